// Recipes, importance matrices and whole files, on models made here.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "check.h"
#include "convert/importance.h"
#include "convert/quantize_file.h"
#include "convert/recipe.h"
#include "gguf/writer.h"

namespace zell::convert {
namespace {

using base::StatusCode;
using quant::TensorType;

const std::atomic<bool> kGoOn = false;
const auto kNoProgress = [](uint64_t, uint64_t) {};

/// A folder of this process, gone with it.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("zell-convert-" + std::to_string(std::random_device()()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

std::string Path(const std::string& name) {
  static const Folder folder;
  return (folder.path / name).string();
}

struct TensorSpec {
  std::string name;
  std::vector<uint64_t> dims;
  float scale = 1.0f;
};

const std::vector<TensorSpec> kTensors = {
    {"token_embd.weight", {256, 8}},         {"blk.0.attn_norm.weight", {256}},
    {"blk.0.attn_q.weight", {256, 4}},       {"blk.0.attn_v.weight", {256, 4}},
    {"blk.0.ffn_gate_inp.weight", {256, 2}}, {"blk.0.ffn_down_exps.weight", {256, 3, 2}},
    {"blk.0.ffn_up.weight", {96, 2}},        {"blk.0.odd.weight", {50, 2}},
    {"blk.1.attn_v.weight", {256, 4}},       {"output.weight", {256, 8}},
};

/// F32 values by tensor, the same each time. `poison`: this tensor gets a NaN.
std::string WriteModel(const std::string& name, const std::string& poison = "") {
  gguf::HeaderBuilder header;
  header.Set("general.architecture", std::string("llama"));
  header.Set("llama.block_count", uint32_t{16});
  header.Set("llama.attention.head_count", uint32_t{8});
  header.Set("llama.attention.head_count_kv", uint32_t{1});
  for (const TensorSpec& t : kTensors) CHECK(header.AddTensor(t.name, TensorType::kF32, t.dims).ok());
  auto writer = gguf::FileWriter::Create(Path(name), header);
  CHECK(writer.ok());
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const TensorSpec& t : kTensors) {
    uint64_t n = 1;
    for (const uint64_t d : t.dims) n *= d;
    std::vector<float> x(n);
    for (float& value : x) value = normal(random);
    if (t.name == poison) x[n / 2] = NAN;
    CHECK(writer->Append({reinterpret_cast<const uint8_t*>(x.data()), n * sizeof(float)}).ok());
  }
  CHECK(writer->Commit().ok());
  return Path(name);
}

TensorType TypeIn(const gguf::File& file, const char* name) { return file.FindTensor(name)->type; }

std::vector<float> Values(const gguf::File& file, const gguf::TensorInfo& tensor) {
  std::vector<float> y(tensor.n_weights);
  quant::Dequantize(tensor.type, file.data(tensor).data(), y.data(), y.size());
  return y;
}

double Distance(const gguf::File& a, const gguf::File& b, const std::string& name) {
  const std::vector<float> x = Values(a, *a.FindTensor(name)), y = Values(b, *b.FindTensor(name));
  double off = 0, all = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    off += (double(x[i]) - y[i]) * (double(x[i]) - y[i]);
    all += double(x[i]) * x[i];
  }
  return std::sqrt(off / all);
}

template <typename T>
void Put(std::string* bytes, const T& value) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The older format with one entry.
std::string BinaryImportance(const std::string& tensor, const std::vector<float>& sums, int32_t calls) {
  std::string bytes;
  Put(&bytes, int32_t{1});
  Put(&bytes, static_cast<int32_t>(tensor.size()));
  bytes += tensor;
  Put(&bytes, calls);
  Put(&bytes, static_cast<int32_t>(sums.size()));
  for (const float sum : sums) Put(&bytes, sum);
  return bytes;
}

std::string WriteBytes(const std::string& name, const std::string& bytes) {
  std::ofstream(Path(name), std::ios::binary) << bytes;
  return Path(name);
}

TEST(names_of_recipes_ignore_case_and_unknown_ones_are_refused_with_the_list) {
  CHECK(FindRecipe("q4_k_m") == FindRecipe("Q4_K"));
  CHECK(FindRecipe("Q9") == nullptr);
  const std::string in = WriteModel("recipes.gguf");
  const auto result = QuantizeFile(in, Path("never.gguf"), {.recipe = "Q9"}, kNoProgress, kGoOn);
  CHECK_EQ(result.status().code, StatusCode::kInvalidRequest);
  CHECK(result.status().message.find("Q4_K_M") != std::string::npos);
  CHECK(!std::filesystem::exists(Path("never.gguf")));
}

TEST(a_mixture_gives_each_part_its_type_and_stays_near_the_weights) {
  const std::string in = WriteModel("model.gguf"), out = Path("q4km.gguf");
  uint64_t last = 0, total = 0;
  const auto report = QuantizeFile(
      in, out, {.recipe = "Q4_K_M", .threads = 3},
      [&](uint64_t done, uint64_t all) {
        CHECK(done >= last);
        last = done;
        total = all;
      },
      kGoOn);
  CHECK(report.ok());
  CHECK_EQ(last, total);
  const auto before = *gguf::File::Open(in), after = *gguf::File::Open(out);
  CHECK_EQ(after->U64("general.file_type").value_or(0), uint64_t{15});
  CHECK_EQ(TypeIn(*after, "token_embd.weight"), TensorType::kQ4_K);
  CHECK_EQ(TypeIn(*after, "output.weight"), TensorType::kQ6_K);
  CHECK_EQ(TypeIn(*after, "blk.0.attn_norm.weight"), TensorType::kF32);
  CHECK_EQ(TypeIn(*after, "blk.0.ffn_gate_inp.weight"), TensorType::kF32);
  CHECK_EQ(TypeIn(*after, "blk.0.attn_q.weight"), TensorType::kQ4_K);
  CHECK_EQ(TypeIn(*after, "blk.0.attn_v.weight"), TensorType::kQ4_K);
  CHECK_EQ(TypeIn(*after, "blk.1.attn_v.weight"), TensorType::kQ6_K);  // the last of two
  CHECK_EQ(TypeIn(*after, "blk.0.ffn_up.weight"), TensorType::kQ5_0);  // rows of 96
  CHECK_EQ(TypeIn(*after, "blk.0.odd.weight"), TensorType::kF16);      // rows of 50
  CHECK_EQ(report->fell_back, uint64_t{2});
  CHECK_EQ(report->bytes_after, uint64_t{std::filesystem::file_size(out)});
  CHECK(report->bytes_after < report->bytes_before);
  CHECK(!report->from_quantised);
  for (const TensorSpec& t : kTensors) CHECK(Distance(*before, *after, t.name) < 0.1);
  CHECK(Distance(*before, *after, "blk.0.attn_q.weight") > 0.01);

  // Once more from the result: what has its type already is copied, the rest is reported.
  const auto again = QuantizeFile(out, Path("q8.gguf"), {.recipe = "Q8_0"}, kNoProgress, kGoOn);
  CHECK(again.ok() && again->from_quantised);
}

TEST(types_of_tables_and_ternary_types_are_recipes_too) {
  const std::string in = WriteModel("tables.gguf");
  const auto types = [&](const char* recipe, const char* attention, const char* experts, const char* output) {
    const std::string out = Path(std::string(recipe) + ".gguf");
    CHECK(QuantizeFile(in, out, {.recipe = recipe, .threads = 2}, kNoProgress, kGoOn).ok());
    const auto file = *gguf::File::Open(out);
    CHECK_EQ(std::string(quant::InfoOf(TypeIn(*file, "blk.0.attn_q.weight")).name), std::string(attention));
    CHECK_EQ(std::string(quant::InfoOf(TypeIn(*file, "blk.0.ffn_down_exps.weight")).name), std::string(experts));
    CHECK_EQ(std::string(quant::InfoOf(TypeIn(*file, "output.weight")).name), std::string(output));
  };
  types("IQ4_XS", "IQ4_XS", "Q5_K", "Q6_K");  // without importance the first ffn_down get more
  types("IQ4_NL", "IQ4_NL", "Q5_K", "Q6_K");
  types("MXFP4", "MXFP4", "MXFP4", "Q8_0");
  types("MXFP4_MOE", "Q8_0", "MXFP4", "Q8_0");
  types("TQ1_0", "TQ1_0", "TQ1_0", "Q6_K");
  types("TQ2_0", "TQ2_0", "TQ2_0", "Q6_K");
}

TEST(an_importance_matrix_changes_the_mixture) {
  const std::string in = WriteModel("mixture.gguf");
  const std::string matrix =
      WriteBytes("mixture.dat", BinaryImportance("blk.0.attn_q.weight", std::vector<float>(256, 1.0f), 1));
  const auto type = [&](const char* recipe, const std::string& importance) {
    const std::string out = Path("mixture-out.gguf");
    CHECK(QuantizeFile(in, out, {.recipe = recipe, .importance = importance}, kNoProgress, kGoOn).ok());
    return TypeIn(**gguf::File::Open(out), "blk.0.ffn_down_exps.weight");
  };
  CHECK_EQ(type("Q4_0", ""), TensorType::kQ4_0);
  CHECK_EQ(type("Q4_0", matrix), TensorType::kQ4_1);
  CHECK_EQ(type("IQ4_XS", ""), TensorType::kQ5_K);
  CHECK_EQ(type("IQ4_XS", matrix), TensorType::kIQ4_XS);
}

TEST(threads_do_not_change_a_byte) {
  const std::string in = WriteModel("threads.gguf");
  std::string bytes[2];
  for (int i = 0; i < 2; ++i) {
    const std::string out = Path("threads-" + std::to_string(i) + ".gguf");
    CHECK(QuantizeFile(in, out, {.recipe = "Q5_K_M", .threads = 1 + 3 * i}, kNoProgress, kGoOn).ok());
    std::ifstream stream(out, std::ios::binary);
    bytes[i].assign(std::istreambuf_iterator<char>(stream), {});
  }
  CHECK(!bytes[0].empty() && bytes[0] == bytes[1]);
}

TEST(what_cannot_be_done_leaves_nothing_behind) {
  const std::string in = WriteModel("poison.gguf", "blk.1.attn_v.weight"), out = Path("refused.gguf");
  const auto poisoned = QuantizeFile(in, out, {.recipe = "Q4_0"}, kNoProgress, kGoOn);
  CHECK_EQ(poisoned.status().code, StatusCode::kInvalidRequest);
  CHECK(poisoned.status().message.find("blk.1.attn_v.weight") != std::string::npos);
  const std::string good = WriteModel("good.gguf");
  CHECK_EQ(QuantizeFile(good, good, {.recipe = "Q4_0"}, kNoProgress, kGoOn).status().code, StatusCode::kInvalidRequest);
  const std::atomic<bool> stopped = true;
  CHECK_EQ(QuantizeFile(good, out, {.recipe = "Q4_0"}, kNoProgress, stopped).status().code, StatusCode::kCancelled);
  CHECK_EQ(QuantizeFile(good, out, {.recipe = "Q4_0", .importance = Path("none")}, kNoProgress, kGoOn).status().code,
           StatusCode::kNotFound);
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(out).parent_path())) {
    CHECK(entry.path().filename().string().find("refused") == std::string::npos);
  }
}

TEST(importance_moves_the_error_to_where_it_matters_less) {
  const std::string in = WriteModel("important.gguf"), name = "blk.0.attn_q.weight";
  std::vector<float> sums(256, 1.0f);
  for (size_t i = 0; i < 256; i += 2) sums[i] = 400.0f;
  const std::string matrix = WriteBytes("matrix.dat", BinaryImportance(name, sums, 2));
  const auto plain = QuantizeFile(in, Path("plain.gguf"), {.recipe = "Q2_K"}, kNoProgress, kGoOn);
  const auto weighted =
      QuantizeFile(in, Path("weighted.gguf"), {.recipe = "Q2_K", .importance = matrix}, kNoProgress, kGoOn);
  CHECK(plain.ok() && weighted.ok());
  CHECK(weighted->without_importance > 0);
  const auto source = *gguf::File::Open(in);
  const auto even_error = [&](const std::string& path) {
    const auto file = *gguf::File::Open(path);
    const std::vector<float> x = Values(*source, *source->FindTensor(name)), y = Values(*file, *file->FindTensor(name));
    double sum = 0;
    for (size_t i = 0; i < x.size(); i += 2) sum += (double(x[i]) - y[i]) * (double(x[i]) - y[i]);
    return sum;
  };
  CHECK(even_error(Path("weighted.gguf")) < 0.9 * even_error(Path("plain.gguf")));
}

TEST(importance_matrices_of_both_formats_are_read) {
  const std::string old = WriteBytes("old.dat", BinaryImportance("a", {2.0f, 4.0f}, 2));
  const auto read = Importance::Read(old);
  CHECK(read.ok());
  CHECK_EQ(read->Find("a", 2, 0)[1], 2.0f);
  CHECK(read->Find("a", 3, 0).empty());
  CHECK(read->Find("b", 2, 0).empty());

  gguf::HeaderBuilder header;
  header.Set("general.type", std::string("imatrix"));
  const uint64_t sums[] = {2, 2}, counts[] = {1, 2};
  CHECK(header.AddTensor("a.in_sum2", TensorType::kF32, sums).ok());
  CHECK(header.AddTensor("a.counts", TensorType::kF32, counts).ok());
  auto writer = gguf::FileWriter::Create(Path("new.gguf"), header);
  const float values[] = {1, 2, 3, 4}, n[] = {2, 0};
  CHECK(writer->Append({reinterpret_cast<const uint8_t*>(values), sizeof values}).ok());
  CHECK(writer->Append({reinterpret_cast<const uint8_t*>(n), sizeof n}).ok());
  CHECK(writer->Commit().ok());
  const auto experts = Importance::Read(Path("new.gguf"));
  CHECK(experts.ok());
  CHECK_EQ(experts->Find("a", 2, 0)[1], 1.0f);
  CHECK(experts->Find("a", 2, 1).empty());  // no text reached it
  CHECK(experts->Find("a", 2, 2).empty());
}

TEST(hostile_importance_matrices_are_refused) {
  const std::string good = BinaryImportance("a", {1.0f, 2.0f}, 1);
  for (size_t n = 0; n < good.size(); ++n) {
    CHECK_EQ(Importance::Read(WriteBytes("cut.dat", good.substr(0, n))).status().code, StatusCode::kBadModelFile);
  }
  CHECK(!Importance::Read(WriteBytes("bad.dat", BinaryImportance("a", {NAN}, 1))).ok());
  CHECK(!Importance::Read(WriteBytes("bad.dat", BinaryImportance("a", {-1.0f}, 1))).ok());
  std::string huge = good;
  const int32_t most = INT32_MAX;
  std::memcpy(huge.data() + 4, &most, sizeof most);
  CHECK(!Importance::Read(WriteBytes("bad.dat", huge)).ok());
  CHECK(!Importance::Read(WriteModel("no-matrix.gguf")).ok());
}

}  // namespace
}  // namespace zell::convert

ZELL_TEST_MAIN
