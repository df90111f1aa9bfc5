#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "backend/plan_rewrite.h"
#include "base/hash_file.h"
#include "base/memory_info.h"
#include "lora/writer.h"
#include "model/arch/arch.h"
#include "train/adamw.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/network.h"
#include "train/split_kernels.h"

namespace zell::train {
namespace {

using base::Status;
using base::StatusCode;

/// Left to everybody else.
constexpr uint64_t kReserveBytes = uint64_t{256} << 20;

std::string Mebibytes(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

void Hash(base::Sha256& hash, const void* data, size_t bytes) {
  hash.UpdateU64(bytes);
  hash.Update({static_cast<const uint8_t*>(data), bytes});
}
template <typename T>
void HashAll(base::Sha256& hash, const std::vector<T>& x) {
  Hash(hash, x.data(), x.size() * sizeof(T));
}

}  // namespace

struct Trainer::Impl {
  explicit Impl(const Recipe& r) : recipe(r), workers(r.threads) {}

  Recipe recipe;
  std::shared_ptr<const gguf::File> file;
  backend::Plan model;
  LowRankSet learned;
  Tape tape;
  Workers workers;
  TrainerPlan plan;
  uint32_t most_tokens = 0;
  std::string architecture, base_type;
  std::vector<Item> items;
  std::unique_ptr<Batches> batches;
  std::unique_ptr<Network> network;
  size_t network_tokens = 0, network_kept = 0;
  uint64_t step = 0, total_tokens = 0;

  Status PlanMemory();
  Status NeedNetwork(size_t tokens, size_t kept);
  base::Sha256::Digest Identity() const;
  Batches& AllBatches() {
    if (batches == nullptr) batches = std::make_unique<Batches>(recipe, items);
    return *batches;
  }
  base::Result<Progress> Step();
};

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

base::Result<std::unique_ptr<Trainer>> Trainer::Open(const std::string& path, const Recipe& recipe,
                                                     const std::string& warm_start) {
  ZELL_RETURN_IF_ERROR(CheckRecipe(recipe));
  auto impl = std::make_unique<Impl>(recipe);
  Numerics& numerics = impl->recipe.numerics;
  if (numerics == Numerics::kFastest) numerics = HasFastSplit() ? Numerics::kBf16x3 : Numerics::kF32;
  impl->plan.numerics = numerics;
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  impl->file = std::move(*file);
  base::Result<backend::Plan> model = model::BuildPlan(*impl->file);
  if (!model.ok()) return model.status();
  impl->model = std::move(*model);
  backend::MergeMatmuls(impl->model.body);
  impl->architecture = std::string(impl->file->Str("general.architecture").value_or(""));

  std::shared_ptr<const gguf::File> warm;
  if (!warm_start.empty()) {
    base::Result<std::shared_ptr<const gguf::File>> opened = gguf::File::Open(warm_start);
    if (!opened.ok()) return opened.status();
    warm = std::move(*opened);
  }
  base::Result<LowRankSet> learned = warm != nullptr
                                         ? LowRankSet::ChooseFrom(impl->model, *warm)
                                         : LowRankSet::Choose(impl->model, recipe.targets, recipe.rank, recipe.alpha);
  if (!learned.ok()) return learned.status();
  impl->learned = std::move(*learned);
  base::Result<Tape> tape = RecordTape(impl->model, impl->learned.ranks());
  if (!tape.ok()) return tape.status();
  impl->tape = std::move(*tape);
  const LearnedMatrix& any = impl->learned.matrices()[0];
  impl->base_type = quant::InfoOf(impl->model.weights[static_cast<size_t>(any.weight)].type).name;
  base::Result<std::string> hash = impl->file->ModelHash();
  if (!hash.ok()) return hash.status();
  impl->plan.model_hash = std::move(*hash);
  impl->most_tokens = std::min(recipe.row_tokens, impl->model.context_length);
  ZELL_RETURN_IF_ERROR(impl->PlanMemory());
  ZELL_RETURN_IF_ERROR(impl->learned.Allocate());
  impl->learned.Initialise(recipe.seed);
  if (warm != nullptr) ZELL_RETURN_IF_ERROR(impl->learned.Read(*warm));
  return std::unique_ptr<Trainer>(new Trainer(std::move(impl)));
}

Status Trainer::Impl::PlanMemory() {
  const NetworkMemory memory = PlanNetwork(model, tape, recipe.row_tokens, recipe.numerics, recipe.threads);
  plan.threads = recipe.threads;
  plan.parameters = learned.size();
  plan.matrices = learned.matrices().size();
  plan.layers = model.layers;
  plan.adapter_bytes = uint64_t{16} * learned.size();
  plan.scratch_bytes = memory.work;
  plan.available_bytes = base::GetMemoryInfo().available_bytes;
  const uint64_t least = plan.adapter_bytes + memory.states + memory.work;
  // A system that does not say has to be believed to be large enough.
  const bool known = plan.available_bytes != 0;
  if (known && least + kReserveBytes > plan.available_bytes) {
    return {StatusCode::kOutOfMemory,
            "Training needs " + Mebibytes(least) + " beside the model file (adapter " + Mebibytes(plan.adapter_bytes) +
                ", activations " + Mebibytes(memory.states) + ", work space " + Mebibytes(memory.work) +
                " for rows of " + std::to_string(recipe.row_tokens) + " tokens) and leaves " +
                Mebibytes(kReserveBytes) + " to others; " + Mebibytes(plan.available_bytes) + " are available."};
  }
  // Half of what is left may keep activations, which saves the second forward pass.
  const uint64_t spare = known ? (plan.available_bytes - least - kReserveBytes) / 2 : 0;
  plan.kept_layers =
      static_cast<uint32_t>(std::min<uint64_t>(model.layers, spare / std::max<uint64_t>(1, memory.kept_layer)));
  plan.activation_bytes = memory.states + plan.kept_layers * memory.kept_layer;
  plan.total_bytes = plan.adapter_bytes + plan.activation_bytes + plan.scratch_bytes;
  return Status::Ok();
}

Status Trainer::Impl::NeedNetwork(size_t tokens, size_t kept) {
  if (network != nullptr && network_tokens >= tokens && network_kept >= kept) return Status::Ok();
  network.reset();
  base::Result<std::unique_ptr<Network>> made =
      Network::Make(model, tape, learned, workers, tokens, kept, recipe.numerics);
  if (!made.ok()) return made.status();
  network = std::move(*made);
  network_tokens = tokens;
  network_kept = kept;
  return Status::Ok();
}

base::Sha256::Digest Trainer::Impl::Identity() const {
  base::Sha256 hash;
  Hash(hash, plan.model_hash.data(), plan.model_hash.size());
  const double numbers[] = {double(recipe.targets),     recipe.learning_rate,  recipe.warmup,
                            recipe.final_rate,          recipe.weight_decay,   recipe.clip_norm,
                            recipe.anchor_share,        recipe.anchor_weight,  double(learned.alpha()),
                            double(recipe.batch_items), double(recipe.epochs), double(recipe.row_tokens)};
  Hash(hash, numbers, sizeof numbers);
  hash.UpdateU64(recipe.seed);
  // Checkpoints in f32 are older than the choice.
  if (recipe.numerics != Numerics::kF32) hash.UpdateU64(static_cast<uint64_t>(recipe.numerics));
  for (const LearnedMatrix& m : learned.matrices()) {
    Hash(hash, m.tensor.data(), m.tensor.size());
    hash.UpdateU64(m.rank);
  }
  hash.UpdateU64(items.size());
  for (const Item& item : items) {
    HashAll(hash, item.tokens);
    HashAll(hash, item.loss);
    HashAll(hash, item.ids);
    HashAll(hash, item.logprobs);
    Hash(hash, &item.weight, sizeof item.weight);
    hash.UpdateU64(item.top * 2 + (item.anchor ? 1 : 0));
  }
  return hash.Finish();
}

const TrainerPlan& Trainer::plan() const { return impl_->plan; }

Status Trainer::AddItems(std::vector<Item> items) {
  if (impl_->step > 0) return {StatusCode::kAlreadyRunning, "items are added before the first step"};
  for (const Item& item : items) {
    ZELL_RETURN_IF_ERROR(CheckItem(item, impl_->model.vocabulary_size, impl_->most_tokens));
  }
  std::move(items.begin(), items.end(), std::back_inserter(impl_->items));
  impl_->batches.reset();
  return Status::Ok();
}

uint64_t Trainer::Steps() const { return impl_->AllBatches().steps(); }

base::Result<Progress> Trainer::Impl::Step() {
  const auto begin = std::chrono::steady_clock::now();
  const StepRows rows = MakeRows(recipe, items, AllBatches().ItemsOf(step));
  learned.ZeroGradients();
  RowLoss loss;
  for (const Row& row : rows.rows) ZELL_RETURN_IF_ERROR(network->Learn(row, loss));
  // From here on the step is not given up any more: half an update would be no step.
  if (!workers.Hold()) return Status{StatusCode::kCancelled, "training was stopped"};
  Progress p;
  p.steps = AllBatches().steps();
  p.learning_rate = LearningRate(recipe, step, p.steps);
  const AdamW adam{p.learning_rate, recipe.weight_decay, recipe.clip_norm, step + 1};
  p.gradient_norm = Update(workers, adam, learned.values(), learned.gradients(), learned.first_moments(),
                           learned.second_moments(), learned.size());
  workers.Release();
  if (!std::isfinite(p.gradient_norm)) {
    return Status{StatusCode::kInternal, "the gradient of step " + std::to_string(step + 1) + " is not finite"};
  }
  total_tokens += rows.tokens;
  p.step = ++step;
  const double none = std::numeric_limits<double>::quiet_NaN();
  p.loss = rows.item_tokens > 0 ? loss.items / static_cast<double>(rows.item_tokens) : none;
  p.anchor_loss = rows.anchor_tokens > 0 ? loss.anchors / static_cast<double>(rows.anchor_tokens) : none;
  p.tokens = rows.tokens;
  p.total_tokens = total_tokens;
  p.step_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return p;
}

base::Result<Progress> Trainer::Run(uint64_t steps, const std::function<void(const Progress&)>& on_step) {
  Impl& t = *impl_;
  Progress last;
  last.step = t.step;
  last.steps = t.AllBatches().steps();
  if (last.steps == 0) return Status{StatusCode::kInvalidRequest, "there are no items to train"};
  size_t longest = 0;
  for (uint64_t s = t.step; s < last.steps; ++s) {
    for (const Row& row : MakeRows(t.recipe, t.items, t.AllBatches().ItemsOf(s)).rows) {
      longest = std::max(longest, row.tokens.size());
    }
  }
  Status status = longest > 0 ? t.NeedNetwork(longest, t.plan.kept_layers) : Status::Ok();
  for (uint64_t i = 0; i < steps && t.step < last.steps && status.ok(); ++i) {
    base::Result<Progress> done = t.Step();
    if (!done.ok()) {
      status = done.status();
      break;
    }
    last = *done;
    if (on_step) on_step(last);
  }
  if (status.ok() && t.workers.stopped() && t.step < last.steps) {
    status = {StatusCode::kCancelled, "training was stopped"};
  }
  t.workers.ClearStop();
  if (!status.ok()) return status;
  return last;
}

void Trainer::Pause() { impl_->workers.Pause(); }
void Trainer::Resume() { impl_->workers.Resume(); }
void Trainer::Stop() { impl_->workers.Stop(); }

Status Trainer::SaveCheckpoint(const std::string& path) {
  const CheckpointState state{impl_->Identity(), impl_->step, impl_->total_tokens};
  return WriteCheckpoint(path, state, impl_->learned);
}

Status Trainer::LoadCheckpoint(const std::string& path) {
  CheckpointState state{impl_->Identity(), 0, 0};
  ZELL_RETURN_IF_ERROR(ReadCheckpoint(path, state, impl_->learned));
  impl_->step = std::min(state.step, impl_->AllBatches().steps());
  impl_->total_tokens = state.total_tokens;
  return Status::Ok();
}

base::Result<std::string> Trainer::SaveAdapter(const std::string& path,
                                               const std::vector<std::pair<std::string, std::string>>& metadata) {
  lora::AdapterFile file;
  file.architecture = impl_->architecture;
  file.base_hash = impl_->plan.model_hash;
  file.alpha = impl_->learned.alpha();
  file.metadata.emplace_back("zell.base.quant", impl_->base_type);
  file.metadata.emplace_back("zell.recipe.version", uint32_t{1});
  file.metadata.emplace_back("zell.recipe.steps", impl_->step);
  file.metadata.emplace_back("zell.recipe.seed", impl_->recipe.seed);
  file.metadata.emplace_back("zell.recipe.numerics", std::string(NameOf(impl_->recipe.numerics)));
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with("zell.")) return Status{StatusCode::kInvalidRequest, "keys of an adapter begin with zell."};
    file.metadata.emplace_back(key, value);
  }
  std::vector<std::vector<float>> halves;
  const float* values = impl_->learned.values();
  for (const LearnedMatrix& m : impl_->learned.matrices()) {
    std::vector<float> a(m.a_size());
    for (size_t c = 0; c < m.cols; ++c) {
      for (size_t r = 0; r < m.rank; ++r) a[r * m.cols + c] = values[m.a + c * m.rank + r];
    }
    halves.push_back(std::move(a));
    lora::AdapterMatrix matrix;
    matrix.weight = m.tensor;
    matrix.cols = m.cols;
    matrix.rows = m.rows;
    matrix.rank = static_cast<uint32_t>(m.rank);
    matrix.a = halves.back();
    matrix.b = {values + m.b, m.b_size()};
    file.matrices.push_back(std::move(matrix));
  }
  ZELL_RETURN_IF_ERROR(lora::WriteAdapter(path, file));
  return base::HashFile(path);
}

std::string Trainer::AdapterHash() const {
  base::Sha256 hash;
  Hash(hash, impl_->learned.values(), impl_->learned.size() * sizeof(float));
  return base::ToHex(hash.Finish());
}

base::Result<Distributions> Trainer::BaseDistributions(const Item& item, uint32_t top) {
  Impl& t = *impl_;
  if (top < 1 || top > std::min(256u, t.model.vocabulary_size)) {
    return Status{StatusCode::kInvalidRequest, "top must be from 1 to 256"};
  }
  Item plain = item;
  plain.top = 0;
  plain.anchor = false;
  plain.ids.clear();
  plain.logprobs.clear();
  ZELL_RETURN_IF_ERROR(CheckItem(plain, t.model.vocabulary_size, t.most_tokens));
  ZELL_RETURN_IF_ERROR(t.NeedNetwork(std::max<size_t>(plain.tokens.size(), 256), 0));
  Distributions out;
  out.top = top;
  const Status status = t.network->BaseTop(RowOf(plain), top, out.ids, out.logprobs);
  const bool stopped = t.workers.stopped();
  t.workers.ClearStop();
  if (!status.ok()) return status;
  if (stopped) return Status{StatusCode::kCancelled, "the work was stopped"};
  return out;
}

}  // namespace zell::train
