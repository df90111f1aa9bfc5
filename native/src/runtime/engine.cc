#include "runtime/engine.h"

#include "kernels/kernels.h"
#include "runtime/engine_impl.h"
#include "runtime/token_texts.h"

namespace zell::runtime {
namespace {

base::Status Invalid(const std::string& message) { return {base::StatusCode::kInvalidRequest, message}; }

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  Impl* state = impl_.get();
  state->thread = std::thread([state] { state->Loop(); });
}

Engine::~Engine() { Close(); }

const Summary& Engine::summary() const { return impl_->summary; }
const tokenizer::Tokenizer& Engine::tokenizer() const { return *impl_->tokenizer; }
std::shared_ptr<const tokenizer::Tokenizer> Engine::shared_tokenizer() const { return impl_->tokenizer; }
int Engine::threads() const { return impl_->threads; }
const char* Engine::isa() const { return kernels::ActiveKernels().name; }
double Engine::load_ms() const { return impl_->load_ms; }

SequenceState* Engine::Impl::Find(uint32_t sequence) const {
  const auto it = sequences.find(sequence);
  return it == sequences.end() || it->second->doomed ? nullptr : it->second.get();
}

base::Result<SequenceState*> Engine::Impl::FindIdle(uint32_t sequence) const {
  SequenceState* state = Find(sequence);
  if (state == nullptr) return Invalid("sequence " + std::to_string(sequence) + " does not exist");
  if (state->in_step) return Invalid("sequence " + std::to_string(sequence) + " is in the running step");
  if (state->loading) return Invalid("sequence " + std::to_string(sequence) + " is still being read");
  return state;
}

void Engine::Impl::AddBreakers(sampling::DryParams& dry) {
  const std::lock_guard lock(breakers_mutex);
  if (breaker_texts != dry.breaker_texts) {
    breaker_texts = dry.breaker_texts;
    breakers = BreakersOf(*tokenizer, breaker_texts);
  }
  dry.breakers = breakers;
}

uint32_t Engine::CreateSequence() {
  const std::lock_guard lock(impl_->mutex);
  const uint32_t id = impl_->next_sequence++;
  impl_->sequences.emplace(id, std::make_unique<SequenceState>(kv::Sequence(*impl_->cache)));
  return id;
}

base::Status Engine::CheckConstraint(const std::string& constraint) {
  return impl_->constraints->Get(constraint).status();
}

base::Status Engine::SetSampler(uint32_t sequence, sampling::SamplerParams params, std::span<const int32_t> history,
                                const std::string& constraint) {
  const auto outside = [&](int32_t token) {
    return token < 0 || static_cast<uint32_t>(token) >= impl_->plan.vocabulary_size;
  };
  for (const auto& [token, bias] : params.logit_bias) {
    if (outside(token)) return Invalid("logit bias of token " + std::to_string(token) + " outside the vocabulary");
  }
  if (params.dry.multiplier != 0 && !params.dry.breaker_texts.empty()) impl_->AddBreakers(params.dry);
  params.texts = TextsOf(impl_->tokenizer);
  std::unique_ptr<sampling::TokenFilter> filter;
  if (!constraint.empty()) {
    base::Result<std::unique_ptr<sampling::TokenFilter>> made = impl_->constraints->Filter(constraint);
    if (!made.ok()) return made.status();
    filter = std::move(*made);
  }
  auto sampler = std::make_shared<sampling::Sampler>(std::move(params), std::move(filter));
  for (const int32_t token : history) {
    if (outside(token)) return Invalid("history holds token " + std::to_string(token) + " outside the vocabulary");
    sampler->Remember(token);
  }
  const std::lock_guard lock(impl_->mutex);
  SequenceState* state = impl_->Find(sequence);
  if (state == nullptr) return Invalid("sequence " + std::to_string(sequence) + " does not exist");
  state->sampler = std::move(sampler);
  return base::Status::Ok();
}

void Engine::FreeSequence(uint32_t sequence) {
  Cancel(sequence);
  const std::lock_guard lock(impl_->mutex);
  SequenceState* state = impl_->Find(sequence);
  if (state == nullptr) return;
  if (state->in_step || state->loading) {
    state->doomed = true;
  } else {
    impl_->sequences.erase(sequence);
  }
}

base::Result<uint32_t> Engine::Length(uint32_t sequence) const {
  const std::lock_guard lock(impl_->mutex);
  const SequenceState* state = impl_->Find(sequence);
  if (state == nullptr) return Invalid("sequence " + std::to_string(sequence) + " does not exist");
  return state->kv.length();
}

base::Status Engine::Truncate(uint32_t sequence, uint32_t length) {
  const std::lock_guard lock(impl_->mutex);
  base::Result<SequenceState*> state = impl_->FindIdle(sequence);
  if (!state.ok()) return state.status();
  if (length > (*state)->kv.length()) return Invalid("the sequence is shorter than " + std::to_string(length));
  (*state)->kv.Truncate(length);
  return base::Status::Ok();
}

base::Result<uint32_t> Engine::Fork(uint32_t sequence, uint32_t length) {
  const std::lock_guard lock(impl_->mutex);
  base::Result<SequenceState*> state = impl_->FindIdle(sequence);
  if (!state.ok()) return state.status();
  if (length > (*state)->kv.length()) return Invalid("the sequence is shorter than " + std::to_string(length));
  const uint32_t id = impl_->next_sequence++;
  auto fork = std::make_unique<SequenceState>((*state)->kv.Fork(length));
  fork->adapters = (*state)->adapters;
  impl_->sequences.emplace(id, std::move(fork));
  return id;
}

base::Status Engine::Adopt(uint32_t sequence, uint32_t source, uint32_t length) {
  const std::lock_guard lock(impl_->mutex);
  base::Result<SequenceState*> from = impl_->FindIdle(source);
  if (!from.ok()) return from.status();
  base::Result<SequenceState*> to = impl_->FindIdle(sequence);
  if (!to.ok()) return to.status();
  if ((*to)->kv.length() > 0) return Invalid("the sequence holds tokens already");
  if (length > (*from)->kv.length()) return Invalid("the sequence is shorter than " + std::to_string(length));
  (*to)->kv.Adopt((*from)->kv, length);
  (*to)->adapters = (*from)->adapters;
  return base::Status::Ok();
}

base::Result<lora::AdapterInfo> Engine::LoadAdapter(const std::string& path) {
  uint32_t id = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    id = impl_->adapters.NextId();
  }
  // Reading takes a while and touches nothing that changes; steps go on meanwhile.
  base::Result<std::shared_ptr<const lora::Adapter>> adapter =
      lora::Adapter::Load(path, *impl_->summary.file, impl_->plan, id);
  if (!adapter.ok()) return adapter.status();
  const std::lock_guard lock(impl_->mutex);
  impl_->adapters.Add(*adapter);
  return (*adapter)->info();
}

base::Status Engine::UnloadAdapter(uint32_t id) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->adapters.Remove(id);
}

std::vector<lora::AdapterInfo> Engine::Adapters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->adapters.List();
}

KvUsage Engine::Usage() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->cache->used(), impl_->cache->limit(), kv::kBlockTokens, kv::BlockBytes(impl_->plan.kv_groups)};
}

base::Status Engine::Step(std::vector<StepItem> items, StepDone done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closing) return {base::StatusCode::kAlreadyRunning, "the model is closed"};
    if (impl_->busy) return {base::StatusCode::kAlreadyRunning, "a step is running already"};
    for (size_t i = 0; i < items.size(); ++i) {
      SequenceState* state = impl_->Find(items[i].sequence);
      const std::string name = "sequence " + std::to_string(items[i].sequence);
      if (state == nullptr || state->in_step || state->loading) {
        for (size_t j = 0; j < i; ++j) impl_->Find(items[j].sequence)->in_step = false;
        return Invalid(name + (state == nullptr ? " does not exist"
                               : state->loading ? " is still being read"
                                                : " is named twice"));
      }
      state->in_step = true;
    }
    impl_->alive = 0;
    for (const StepItem& item : items) impl_->alive += impl_->Find(item.sequence)->cancelled ? 0 : 1;
    impl_->stop = !items.empty() && impl_->alive == 0;
    impl_->busy = true;
    impl_->job = Impl::Job{std::move(items), std::move(done)};
  }
  impl_->wake.notify_one();
  return base::Status::Ok();
}

void Engine::Cancel(uint32_t sequence) {
  const std::lock_guard lock(impl_->mutex);
  SequenceState* state = impl_->Find(sequence);
  if (state == nullptr || state->cancelled.exchange(true) || !state->in_step) return;
  if (impl_->alive > 0 && --impl_->alive == 0) impl_->stop = true;
}

void Engine::Close() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
    for (auto& [id, state] : impl_->sequences) state->cancelled = true;
    impl_->stop = true;
  }
  impl_->wake.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace zell::runtime
