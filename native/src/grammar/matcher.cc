#include "grammar/matcher.h"

namespace zell::grammar {

Matcher::Matcher(std::shared_ptr<SharedStates> shared) : shared_(std::move(shared)) {
  const std::lock_guard lock(shared_->mutex);
  table_ = shared_->table;
  state_ = table_->start();
}

States& Matcher::Table() {
  if (shared_->table->full() || !shared_->table->status().ok()) {
    shared_->table = std::make_shared<States>(table_->program());
  }
  if (table_ != shared_->table) {
    state_ = state_ == States::kDead ? States::kDead : shared_->table->Import(*table_, state_);
    table_ = shared_->table;
  }
  return *table_;
}

void Matcher::Check(const States& table) {
  if (status_.ok()) status_ = table.status();
}

bool Matcher::Allows(int32_t token) {
  const std::lock_guard lock(shared_->mutex);
  if (!status_.ok()) return false;
  States& table = Table();
  const bool allowed = table.Allows(state_, token);
  Check(table);
  return allowed && status_.ok();
}

std::span<const uint64_t> Matcher::Mask() {
  const std::lock_guard lock(shared_->mutex);
  if (!status_.ok()) {
    bits_.assign(table_->program()->vocabulary->words(), 0);
    return bits_;
  }
  States& table = Table();
  const TokenMask& mask = table.Mask(state_);
  Check(table);
  if (status_.ok() && !mask.any) {
    status_ = {base::StatusCode::kUnsupported, "no token of this model's vocabulary can continue the answer"};
  }
  bits_ = mask.bits;
  return bits_;
}

void Matcher::Accept(int32_t token) {
  const std::lock_guard lock(shared_->mutex);
  if (ended_ || !status_.ok()) return;
  States& table = Table();
  if (table.program()->vocabulary->Ends(token)) {
    ended_ = true;
    return;
  }
  state_ = table.After(state_, token);
  Check(table);
  if (status_.ok() && state_ == States::kDead) {
    status_ = {base::StatusCode::kInternal, "a token came that the grammar does not allow"};
  }
}

bool Matcher::MayEnd() {
  const std::lock_guard lock(shared_->mutex);
  return status_.ok() && Table().MayEnd(state_);
}

}  // namespace zell::grammar
