// Adapters written, read back and refused: every check, and files that are damaged.
#include <fstream>

#include "check.h"
#include "lora/adapter.h"
#include "lora/narrow_matrix.h"
#include "random_adapter.h"

using namespace zell;
using base::StatusCode;
using kernels::kLowRankRows;
using kernels::LowRankType;
using quant::TensorType;

namespace {

std::string Temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("zell_lora_test_" + name)).string();
}

// A model file with two matrices, an embedding and a stack of experts, and the plan that multiplies with the former.
struct Base {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plan;

  Base() {
    gguf::HeaderBuilder header;
    header.Set("general.architecture", std::string("llama"));
    const struct {
      const char* name;
      TensorType type;
      std::vector<uint64_t> dims;
    } tensors[] = {{"blk.0.attn_q.weight", TensorType::kQ8_0, {64, 32}},
                   {"blk.0.ffn_up.weight", TensorType::kF32, {64, 96}},
                   {"blk.0.ffn_up_exps.weight", TensorType::kF32, {64, 32, 2}},
                   {"blk.0.attn_norm.weight", TensorType::kF32, {64}},
                   {"token_embd.weight", TensorType::kF16, {64, 10}}};
    for (const auto& t : tensors) CHECK(header.AddTensor(t.name, t.type, t.dims).ok());
    const std::string path = Temporary("base.gguf");
    auto writer = gguf::FileWriter::Create(path, header);
    if (!writer.ok()) return;
    for (size_t i = 0; i < header.n_tensors(); ++i) {
      CHECK(writer->Append(std::vector<uint8_t>(static_cast<size_t>(header.TensorBytes(i)), 1)).ok());
    }
    CHECK(writer->Commit().ok());
    auto opened = gguf::File::Open(path);
    if (!opened.ok()) return;
    file = *opened;
    const auto weight = [&](const char* tensor, uint64_t first, uint64_t rows) {
      const gguf::TensorInfo* t = file->FindTensor(tensor);
      const size_t row_bytes = quant::RowBytes(quant::InfoOf(t->type), 64);
      backend::Weight w;
      w.name = tensor;
      w.first_row = first;
      w.type = t->type;
      w.rows = rows;
      w.cols = 64;
      w.row_bytes = row_bytes;
      w.data = file->data(*t).data() + first * row_bytes;
      plan.weights.push_back(std::move(w));
      return static_cast<backend::WeightId>(plan.weights.size() - 1);
    };
    const auto multiply = [&](backend::WeightId id) {
      plan.body.push_back({.kind = backend::OpKind::kMatmul, .parts = {{id, -1, 0}}});
    };
    multiply(weight("blk.0.attn_q.weight", 0, 32));
    multiply(weight("blk.0.ffn_up.weight", 0, 32));
    multiply(weight("blk.0.ffn_up.weight", 32, 64));
    const backend::WeightId embedding = weight("token_embd.weight", 0, 10);
    plan.body.push_back({.kind = backend::OpKind::kEmbed, .weight = embedding});
    multiply(embedding);
  }

  base::Result<std::shared_ptr<const lora::Adapter>> Load(const std::string& path) const {
    return lora::Adapter::Load(path, *file, plan, 5);
  }
};

// The adapter of `change` on `base`, written and read.
base::Result<std::shared_ptr<const lora::Adapter>> Made(const Base& base, const test::RandomAdapterFile& what) {
  const std::string path = Temporary("adapter.gguf");
  const base::Status written = test::WriteRandomAdapter(*base.file, path, what);
  if (!written.ok()) return written;
  return base.Load(path);
}

bool Only(const std::string& name, const char* wanted) { return name == wanted; }

// Number j of row r of B as the panels say.
double OfPanels(const backend::LowRank& low, size_t r, size_t j) {
  const uint8_t* panel = low.b + r / kLowRankRows * kernels::LowRankPanelBytes(low.type, low.rank);
  const uint8_t* values = panel + kernels::LowRankScaleBytes(low.type);
  const size_t at = j * kLowRankRows + r % kLowRankRows;
  if (low.type == LowRankType::kF32) return reinterpret_cast<const float*>(values)[at];
  if (low.type == LowRankType::kF16) return quant::F16ToF32(reinterpret_cast<const uint16_t*>(values)[at]);
  const uint16_t scale = reinterpret_cast<const uint16_t*>(panel)[r % kLowRankRows];
  return double(static_cast<int8_t>(values[at])) * quant::F16ToF32(scale);
}

// Row j of A.
std::vector<float> RowOfA(const backend::LowRank& low, size_t j) {
  const TensorType type = low.type == LowRankType::kF32   ? TensorType::kF32
                          : low.type == LowRankType::kF16 ? TensorType::kF16
                                                          : TensorType::kQ8_0;
  std::vector<float> row(64);
  quant::Dequantize(type, low.a + j * low.a_row_bytes, row.data(), row.size());
  return row;
}

// A raw file with the given tensors, every byte of their data 0.
std::string Raw(
    const std::vector<std::pair<std::string, std::vector<uint64_t>>>& tensors,
    const std::function<void(gguf::HeaderBuilder&)>& change = [](gguf::HeaderBuilder&) {}) {
  gguf::HeaderBuilder header;
  header.Set("general.type", std::string("adapter"));
  header.Set("general.architecture", std::string("llama"));
  header.Set("adapter.type", std::string("lora"));
  header.Set("adapter.lora.alpha", 16.0f);
  change(header);
  for (const auto& [name, dims] : tensors) CHECK(header.AddTensor(name, TensorType::kF32, dims).ok());
  const std::string path = Temporary("raw.gguf");
  auto writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return "";
  for (size_t i = 0; i < header.n_tensors(); ++i) {
    CHECK(writer->Append(std::vector<uint8_t>(static_cast<size_t>(header.TensorBytes(i)))).ok());
  }
  CHECK(writer->Commit().ok());
  return path;
}

}  // namespace

TEST(numbers_come_back_scaled_and_transposed) {
  const Base base;
  REQUIRE(base.file != nullptr);
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    test::RandomAdapterFile what;
    what.type = type;
    what.alpha = 4.0f;
    what.wanted = [](const std::string& name) { return name != "blk.0.attn_norm.weight"; };
    std::vector<float> a, b, up_a, up_b;
    what.change = [&](lora::AdapterFile& file) {
      a.assign(file.matrices[0].a.begin(), file.matrices[0].a.end());
      b.assign(file.matrices[0].b.begin(), file.matrices[0].b.end());
      up_a.assign(file.matrices[1].a.begin(), file.matrices[1].a.end());
      up_b.assign(file.matrices[1].b.begin(), file.matrices[1].b.end());
    };
    auto adapter = Made(base, what);
    REQUIRE(adapter.ok());
    const lora::AdapterInfo& info = (*adapter)->info();
    CHECK_EQ(info.id, 5u);
    CHECK_EQ(info.rank, 8u);
    CHECK_EQ(info.matrices, 3u);
    CHECK_EQ(info.alpha, 4.0f);
    CHECK_EQ(info.name, "zell_lora_test_adapter");
    CHECK_EQ(info.sha256.size(), 64u);
    // Beside 8 bits 8 bits; beside F32 what loses nothing.
    const backend::LowRank& q = (*adapter)->backend().products[0];
    REQUIRE(q.rank == 8);
    CHECK(q.type == LowRankType::kInt8);
    // Half a step of each, and what the type of the file loses.
    const double loss = 0.5 / 127 + (type == TensorType::kBF16 ? 1.0 / 256 : 1.0 / 2048);
    for (size_t r = 0; r < 32; ++r) {
      double largest_b = 0;
      for (size_t j = 0; j < 8; ++j) largest_b = std::max(largest_b, std::fabs(double(b[r * 8 + j])));
      for (size_t c = 0; c < 64; ++c) {
        double expected = 0, bound = 0, is = 0;
        for (size_t j = 0; j < 8; ++j) {
          double largest_a = 0;  // of a block
          for (const float x : std::span(a).subspan(j * 64 + c / 32 * 32, 32)) {
            largest_a = std::max(largest_a, std::fabs(double(x)));
          }
          expected += double(b[r * 8 + j]) * a[j * 64 + c] * 4.0 / 8;
          bound += (largest_b * std::fabs(double(a[j * 64 + c])) + largest_a * std::fabs(double(b[r * 8 + j])) +
                    loss * largest_a * largest_b) *
                   loss * 4.0 / 8;
          is += OfPanels(q, r, j) * RowOfA(q, j)[c] * q.factor;
        }
        CHECK(std::fabs(is - expected) <= bound);
      }
    }
    // Rows of one tensor that the plan keeps as two weights.
    const backend::LowRank &first = (*adapter)->backend().products[1], &second = (*adapter)->backend().products[2];
    CHECK(first.type == (type == TensorType::kF16 ? LowRankType::kF16 : LowRankType::kF32));
    CHECK(first.rank == 8 && second.rank == 8 && second.type == first.type);
    CHECK(second.a == first.a);
    const double exact = type == TensorType::kBF16 ? 1.0 / 256 : 1.0 / 2048;
    for (size_t r = 0; r < 96; ++r) {
      const backend::LowRank& low = r < 32 ? first : second;
      for (size_t j = 0; j < 8; ++j) {
        const double expected = up_b[r * 8 + j] * double(up_a[j * 64]) * 4.0 / 8;
        const double is = OfPanels(low, r < 32 ? r : r - 32, j) * RowOfA(low, j)[0] * low.factor;
        CHECK(std::fabs(is - expected) <= 3 * exact * std::fabs(expected));
      }
    }
    // The embedding is changed where tokens pick rows, not where it is the output matrix.
    CHECK_EQ((*adapter)->backend().embeddings[3].rank, 8u);
    CHECK_EQ((*adapter)->backend().products[3].rank, 0u);
  }
}

TEST(small_numbers_keep_their_digits) {
  gguf::TensorInfo tensor{"x", TensorType::kF32, 2, {4, 1, 1, 1}, 4, 16, 0, 0};
  const float values[] = {3e-20f, -1e-24f, 0.0f, 1.5e-21f};
  const std::span data(reinterpret_cast<const uint8_t*>(values), sizeof values);
  auto half = lora::NarrowMatrix::Open(tensor, data, LowRankType::kF16);
  REQUIRE(half.ok());
  uint16_t row[4] = {};
  half->WriteRows(reinterpret_cast<uint8_t*>(row));
  for (size_t i = 0; i < 4; ++i) {
    const float back = std::ldexp(quant::F16ToF32(row[i]), -half->exponent());
    CHECK(std::fabs(back - values[i]) <= std::fabs(values[i]) / 2048);
  }
  // In 8 bits each row has a scale of its own.
  tensor.dims[0] = 1;
  tensor.dims[1] = 4;
  auto bytes = lora::NarrowMatrix::Open(tensor, data, LowRankType::kInt8);
  REQUIRE(bytes.ok());
  std::vector<uint8_t> panels(bytes->PanelBytes(4));
  REQUIRE(panels.size() == kernels::LowRankPanelBytes(LowRankType::kInt8, 1));
  bytes->WritePanels(0, 4, panels.data());
  backend::LowRank low;
  low.rank = 1;
  low.type = LowRankType::kInt8;
  low.b = panels.data();
  for (size_t r = 0; r < 4; ++r) {
    CHECK(std::fabs(std::ldexp(OfPanels(low, r, 0), -bytes->exponent()) - values[r]) <= std::fabs(values[r]) / 1024);
  }
}

TEST(without_alpha_the_scale_alone_counts) {
  const Base base;
  REQUIRE(base.file != nullptr);
  const std::string path =
      Raw({{"blk.0.attn_q.weight.lora_a", {64, 4}}, {"blk.0.attn_q.weight.lora_b", {4, 32}}, {"x_norm.weight", {64}}},
          [](gguf::HeaderBuilder& h) { h.Set("adapter.lora.alpha", 0.0f); });
  auto adapter = base.Load(path);
  REQUIRE(adapter.ok());
  CHECK_EQ((*adapter)->backend().products[0].factor, 1.0f);
}

TEST(what_does_not_fit_is_refused_by_name) {
  const Base base;
  REQUIRE(base.file != nullptr);
  const auto says = [&](const std::string& path, StatusCode code, const std::string& text) {
    auto adapter = base.Load(path);
    if (adapter.ok() || adapter.status().code != code || adapter.status().message.find(text) == std::string::npos) {
      CHECK_EQ(adapter.ok() ? "loaded" : adapter.status().message, text);
    }
  };
  const auto bad = [&](const std::vector<std::pair<std::string, std::vector<uint64_t>>>& tensors,
                       const std::string& text) { says(Raw(tensors), StatusCode::kBadModelFile, text); };
  const auto metadata = [&](const char* key, const gguf::FileValue& value, StatusCode code, const std::string& text) {
    says(Raw({{"blk.0.attn_q.weight.lora_a", {64, 4}}, {"blk.0.attn_q.weight.lora_b", {4, 32}}},
             [&](gguf::HeaderBuilder& h) { h.Set(key, value); }),
         code, text);
  };
  const StatusCode kBad = StatusCode::kBadModelFile;
  metadata("general.type", std::string("model"), kBad, "general.type is `model`, expected `adapter`");
  metadata("general.type", uint32_t{1}, kBad, "general.type");
  metadata("adapter.type", std::string("control_vector"), kBad, "adapter.type is `control_vector`");
  metadata("general.architecture", std::string("qwen2"), kBad, "general.architecture is `qwen2`, expected `llama`");
  metadata("adapter.lora.alpha", std::string("16"), kBad, "adapter.lora.alpha");
  metadata("adapter.lora.alpha", NAN, kBad, "adapter.lora.alpha");
  metadata("adapter.lora.alpha", INFINITY, kBad, "adapter.lora.alpha");
  metadata("zell.base.model_hash", std::string("0123456789abcdef"), kBad, "made for the model 0123456789abcdef");
  metadata("adapter.alora.invocation_tokens", std::vector<uint32_t>{1, 2}, StatusCode::kUnsupported, "activated LoRA");

  bad({}, "no tensors");
  bad({{"blk.0.attn_q.weight.lora_a", {64, 4}}}, "blk.0.attn_q.weight.lora_b of the adapter is missing");
  bad({{"blk.0.attn_q.weight.lora_b", {4, 32}}}, "blk.0.attn_q.weight.lora_a of the adapter is missing");
  bad({{"blk.0.attn_q.weight", {64, 32}}}, "tensor blk.0.attn_q.weight of the adapter is neither");
  bad({{"blk.7.attn_q.weight.lora_a", {64, 4}}, {"blk.7.attn_q.weight.lora_b", {4, 32}}},
      "changes blk.7.attn_q.weight, which this model does not have");
  for (const auto& [a, b] : std::initializer_list<std::pair<std::vector<uint64_t>, std::vector<uint64_t>>>{
           {{32, 4}, {4, 32}}, {{64, 4}, {4, 64}}, {{64, 4}, {8, 32}}, {{4, 64}, {32, 4}}, {{64, 4, 2}, {4, 32}}}) {
    bad({{"blk.0.attn_q.weight.lora_a", a}, {"blk.0.attn_q.weight.lora_b", b}}, "do not fit a matrix of 64 x 32");
  }
  // An embedding's halves are the other way round.
  bad({{"token_embd.weight.lora_a", {64, 4}}, {"token_embd.weight.lora_b", {4, 10}}}, "do not fit a matrix of 64 x 10");
  bad({{"blk.0.attn_q.weight.lora_a", {64, 4097}}, {"blk.0.attn_q.weight.lora_b", {4097, 32}}}, "rank 4097");
  const StatusCode kUnsupported = StatusCode::kUnsupported;
  says(Raw({{"blk.0.ffn_up_exps.weight.lora_a", {64, 4, 2}}, {"blk.0.ffn_up_exps.weight.lora_b", {4, 32, 2}}}),
       kUnsupported, "blk.0.ffn_up_exps.weight");
  says(Raw({{"blk.0.attn_norm.weight.lora_a", {64, 1}}, {"blk.0.attn_norm.weight.lora_b", {1, 1}}}), kUnsupported,
       "blk.0.attn_norm.weight");
  says("/nonexistent.gguf", StatusCode::kNotFound, "");

  test::RandomAdapterFile infinite;
  infinite.wanted = [](const std::string& name) { return Only(name, "blk.0.ffn_up.weight"); };
  std::vector<float> a;
  infinite.change = [&](lora::AdapterFile& file) {
    a.assign(file.matrices[0].a.begin(), file.matrices[0].a.end());
    a[17] = INFINITY;
    file.matrices[0].a = a;
  };
  auto adapter = Made(base, infinite);
  CHECK(!adapter.ok() && adapter.status().message.find("ffn_up.weight.lora_a") != std::string::npos);

  // Products that no number can hold.
  test::RandomAdapterFile huge;
  huge.wanted = [](const std::string& name) { return Only(name, "blk.0.attn_q.weight"); };
  std::vector<float> b;
  huge.change = [&](lora::AdapterFile& file) {
    a.assign(file.matrices[0].a.size(), 1e30f);
    b.assign(file.matrices[0].b.size(), 1e30f);
    file.matrices[0].a = a;
    file.matrices[0].b = b;
  };
  adapter = Made(base, huge);
  CHECK(!adapter.ok() && adapter.status().message.find("too large") != std::string::npos);
}

TEST(the_right_hash_of_the_model_is_accepted) {
  const Base base;
  REQUIRE(base.file != nullptr);
  auto hash = base.file->ModelHash();
  REQUIRE(hash.ok());
  test::RandomAdapterFile what;
  what.wanted = [](const std::string& name) { return Only(name, "blk.0.attn_q.weight"); };
  what.change = [&](lora::AdapterFile& file) {
    file.base_hash = *hash;
    file.name = "my voice";
    file.metadata.emplace_back("adapter.lora.task_name", std::string("notes"));
  };
  auto adapter = Made(base, what);
  REQUIRE(adapter.ok());
  CHECK_EQ((*adapter)->info().base_hash, *hash);
  CHECK_EQ((*adapter)->info().name, "my voice");
  CHECK_EQ((*adapter)->info().task_name, "notes");
}

TEST(damaged_files_end_with_an_error_or_load) {
  const Base base;
  REQUIRE(base.file != nullptr);
  test::RandomAdapterFile what;
  what.wanted = [](const std::string& name) { return Only(name, "blk.0.attn_q.weight"); };
  REQUIRE(Made(base, what).ok());
  std::ifstream in(Temporary("adapter.gguf"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const auto load = [&](const std::string& bytes) {
    const std::string path = Temporary("damaged.gguf");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return base.Load(path).ok();
  };
  CHECK(load(whole));
  for (size_t n = 0; n < whole.size(); n += 1 + whole.size() / 200) CHECK(!load(whole.substr(0, n)));
  size_t refused = 0;
  for (size_t bit = 0; bit < 700 * 8; bit += 3) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    refused += load(flipped) ? 0 : 1;
  }
  CHECK(refused > 500);
}

TEST(the_writer_refuses_what_makes_no_sense) {
  const std::vector<float> a(64 * 4), b(4 * 32);
  lora::AdapterFile file;
  file.architecture = "llama";
  const auto code = [&] { return lora::WriteAdapter(Temporary("refused.gguf"), file).code; };
  CHECK(code() == StatusCode::kInvalidRequest);
  file.matrices.push_back({.weight = "w", .cols = 64, .rows = 32, .rank = 4, .a = a, .b = b});
  CHECK(code() == StatusCode::kOk);
  file.matrices[0].rank = 3;
  CHECK(code() == StatusCode::kInvalidRequest);
  file.matrices[0].rank = 4;
  file.type = TensorType::kQ8_0;
  CHECK(code() == StatusCode::kInvalidRequest);
  file.type = TensorType::kF16;
  file.matrices.push_back(file.matrices[0]);
  CHECK(code() == StatusCode::kInvalidRequest);
}

ZELL_TEST_MAIN
