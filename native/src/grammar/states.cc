#include "grammar/states.h"

#include <algorithm>
#include <map>

namespace zell::grammar {
namespace {

constexpr size_t kMostBytes = size_t{96} << 20;
/// Configs that are compared one by one; more are hashed.
constexpr size_t kFew = 24;

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15 + (hash << 6) + (hash >> 2);
  return hash * 0xD6E8FEB86659FD93;
}

/// Bytes that no set tells apart share a class.
size_t Classes(const Program& program, std::array<uint8_t, 256>& class_of) {
  if (program.triggers != nullptr) {
    for (size_t byte = 0; byte < 256; ++byte) class_of[byte] = static_cast<uint8_t>(byte);
    return 256;
  }
  class_of.fill(0);
  size_t count = 1;
  for (const ByteSet& set : program.automaton.sets) {
    std::map<std::pair<uint8_t, bool>, uint8_t> split;
    for (size_t byte = 0; byte < 256; ++byte) {
      const auto key = std::pair(class_of[byte], set.test(byte));
      class_of[byte] = split.try_emplace(key, static_cast<uint8_t>(split.size())).first->second;
    }
    count = split.size();
    if (count == 256) break;
  }
  return count;
}

}  // namespace

States::States(std::shared_ptr<const Program> program)
    : program_(std::move(program)), automaton_(program_->automaton), classes_(Classes(*program_, class_of_)) {
  frames_.push_back({});  // the whole text's
  states_.push_back({.short_sighted = kDead});
  next_.assign(classes_, kDead);
  start_ = program_->triggers == nullptr ? Begin() : Intern(found_, false, 0);
}

bool States::Spend(size_t work) {
  work_ += work;
  if (work_ > kMostWork && status_.ok()) {
    status_ = {base::StatusCode::kTooLarge,
               "the grammar has too many ways to read the same text: it cannot be followed in time"};
  }
  return status_.ok();
}

StateId States::Begin() {
  Reach({automaton_.start, 0});
  return Close();
}

void States::Reach(Config config) { reach_.push_back(config); }

bool States::Seen(Config config) {
  if (seen_.size() < kFew) {
    if (std::find(seen_.begin(), seen_.end(), config) != seen_.end()) return true;
    seen_.push_back(config);
    return false;
  }
  const auto key = [](const Config& c) { return uint64_t{c.node} << 32 | c.frame; };
  if (seen_index_.empty()) {
    for (const Config& c : seen_) seen_index_.insert(key(c));
  }
  return !seen_index_.insert(key(config)).second;
}

void States::Leave(uint32_t frame) {
  if (frame == 0) {
    complete_ = true;
    return;
  }
  const Frame f = frames_[frame];
  if (f.count == kCalled) return Reach({f.node, f.parent});
  const AutomatonNode& node = automaton_.nodes[f.node];
  const CountedRepeat& repeat = automaton_.repeats[node.other];
  if (f.count >= repeat.least) Reach({node.next, f.parent});
  if (f.count >= repeat.most) return;
  // Beyond the least number nothing depends on an unlimited count.
  const uint32_t count = repeat.most == kNoLimit ? std::min(f.count + 1, repeat.least) : f.count + 1;
  Reach({repeat.body, Push({.parent = f.parent, .node = f.node, .count = count})});
}

StateId States::Close() {
  found_.clear();
  seen_.clear();
  if (!seen_index_.empty()) seen_index_.clear();
  complete_ = false;
  while (!reach_.empty() && Spend(1)) {
    const Config config = reach_.back();
    reach_.pop_back();
    if (Seen(config)) continue;
    const AutomatonNode& node = automaton_.nodes[config.node];
    switch (node.op) {
      case Op::kSplit:
        Reach({node.other, config.frame});
        Reach({node.next, config.frame});
        break;
      case Op::kSet:
      case Op::kToken:
        found_.push_back(config);
        break;
      case Op::kCall:
        // A call at a rule's end comes back to where the rule itself was called from.
        Reach({node.other, automaton_.nodes[node.next].op == Op::kReturn
                               ? config.frame
                               : Push({.parent = config.frame, .node = node.next, .count = kCalled})});
        break;
      case Op::kRepeat: {
        const CountedRepeat& repeat = automaton_.repeats[node.other];
        if (repeat.least == 0) Reach({node.next, config.frame});
        const uint32_t count = repeat.most == kNoLimit ? std::min(1u, repeat.least) : 1;
        Reach({repeat.body, Push({.parent = config.frame, .node = config.node, .count = count})});
        break;
      }
      case Op::kReturn:
        Leave(config.frame);
        break;
    }
  }
  reach_.clear();
  if (!status_.ok()) return kDead;
  if (complete_ && program_->repeat && program_->triggers != nullptr) {
    found_.clear();
    return Intern(found_, false, 0);
  }
  return Intern(found_, complete_, kNotFree);
}

uint32_t States::Push(Frame frame) {
  const uint64_t hash = Mix(Mix(Mix(1, frame.parent), frame.node), frame.count);
  std::vector<uint32_t>& same = frame_index_[hash];
  for (const uint32_t id : same) {
    const Frame& other = frames_[id];
    if (other.parent == frame.parent && other.node == frame.node && other.count == frame.count) return id;
  }
  const uint32_t id = static_cast<uint32_t>(frames_.size());
  same.push_back(id);
  frame.short_sighted = id;
  frames_.push_back(frame);
  Spend(4);
  const uint32_t short_sighted = ShortSighted(frame);
  frames_[id].short_sighted = short_sighted == kUnknown ? id : short_sighted;
  return id;
}

/// What a repeat still wants and still allows matters as far as one token can reach. @returns kUnknown: the frame
/// itself
uint32_t States::ShortSighted(const Frame& frame) {
  const uint32_t parent = frames_[frame.parent].short_sighted;
  uint32_t count = frame.count;
  if (count != kCalled) {
    const CountedRepeat& repeat = automaton_.repeats[automaton_.nodes[frame.node].other];
    const uint64_t sight = program_->vocabulary->longest();
    const bool sees_end = repeat.most != kNoLimit && uint64_t{repeat.most} - count <= sight;
    if (!sees_end && count >= repeat.least) count = repeat.least;
    if (!sees_end && count < repeat.least && repeat.least - count > sight) {
      count = static_cast<uint32_t>(repeat.least - sight - 1);
    }
  }
  if (parent == frame.parent && count == frame.count) return kUnknown;
  return Push({.parent = parent, .node = frame.node, .count = count});
}

StateId States::Intern(std::vector<Config>& configs, bool complete, uint32_t free) {
  if (configs.empty() && !complete && free == kNotFree) return kDead;
  std::sort(configs.begin(), configs.end());
  configs.erase(std::unique(configs.begin(), configs.end()), configs.end());
  uint64_t hash = Mix(complete ? 2 : 1, free);
  for (const Config& config : configs) hash = Mix(hash, uint64_t{config.node} << 32 | config.frame);
  std::vector<uint32_t>& same = state_index_[hash];
  for (const uint32_t id : same) {
    const State& other = states_[id];
    if (other.complete == complete && other.free == free && std::ranges::equal(ConfigsOf(other), configs)) return id;
  }
  if (!Spend(8 + classes_ / 8 + configs.size())) return kDead;
  const StateId id = static_cast<StateId>(states_.size());
  same.push_back(id);
  states_.push_back({.first = static_cast<uint32_t>(configs_.size()),
                     .count = static_cast<uint32_t>(configs.size()),
                     .complete = complete,
                     .free = free});
  configs_.insert(configs_.end(), configs.begin(), configs.end());
  next_.resize(next_.size() + classes_, kUnknown);
  return id;
}

StateId States::Next(StateId state, uint8_t byte) {
  const size_t cell = state * classes_ + class_of_[byte];
  if (next_[cell] != kUnknown) return next_[cell];
  const StateId next = Compute(state, byte);
  if (status_.ok()) next_[cell] = next;
  return next;
}

StateId States::Compute(StateId state, uint8_t byte) {
  const State from = states_[state];
  if (from.free != kNotFree) {
    const uint32_t free = program_->triggers->Next(from.free, byte);
    if (free == Triggers::kFound) return Begin();
    found_.clear();
    return Intern(found_, false, free);
  }
  for (const Config& config : ConfigsOf(from)) {
    const AutomatonNode& node = automaton_.nodes[config.node];
    if (node.op == Op::kSet && automaton_.sets[node.other].test(byte)) Reach({node.next, config.frame});
  }
  return Spend(from.count) && !reach_.empty() ? Close() : kDead;
}

StateId States::AfterText(StateId state, std::string_view text) {
  for (const char c : text) {
    if (state == kDead) break;
    state = Next(state, static_cast<uint8_t>(c));
  }
  return state;
}

bool States::ReachByToken(StateId state, int32_t token) {
  const State from = states_[state];
  bool any = false;
  for (const Config& config : ConfigsOf(from)) {
    const AutomatonNode& node = automaton_.nodes[config.node];
    if (node.op != Op::kToken) continue;
    const TokenEdge& edge = automaton_.tokens[node.other];
    if ((edge.token == token) == edge.negated) continue;
    Reach({node.next, config.frame});
    any = true;
  }
  return any;
}

StateId States::After(StateId state, int32_t token) {
  work_ = 0;
  const Vocabulary& vocabulary = *program_->vocabulary;
  if (token < 0 || static_cast<size_t>(token) >= vocabulary.size() || vocabulary.Ends(token)) return kDead;
  const std::string_view text = vocabulary.text(token);
  // In free text control tokens are texts like others.
  if (states_[state].free != kNotFree) return AfterText(state, text.empty() ? vocabulary.name(token) : text);
  const StateId by_text = text.empty() ? kDead : AfterText(state, text);
  if (automaton_.tokens.empty() || !ReachByToken(state, token)) return by_text;
  const State other = states_[by_text];
  if (other.free != kNotFree) {
    reach_.clear();
    return by_text;
  }
  const StateId by_number = Close();
  if (by_text == kDead || by_number == kDead || states_[by_number].free != kNotFree) {
    return by_number == kDead ? by_text : by_number;
  }
  std::vector<Config> both(ConfigsOf(other).begin(), ConfigsOf(other).end());
  const State numbered = states_[by_number];
  both.insert(both.end(), ConfigsOf(numbered).begin(), ConfigsOf(numbered).end());
  return Intern(both, other.complete || numbered.complete, kNotFree);
}

bool States::MayEnd(StateId state) const { return states_[state].complete || states_[state].free != kNotFree; }

bool States::Allows(StateId state, int32_t token) {
  if (program_->vocabulary->Ends(token)) return MayEnd(state);
  return After(state, token) != kDead;
}

const TokenMask& States::Mask(StateId state) {
  work_ = 0;
  const StateId alike = ShortSightedState(state);
  const auto known = masks_.find(alike);
  if (known != masks_.end()) return known->second;
  TokenMask mask = Walk(alike);
  if (!status_.ok()) mask = {std::vector<uint64_t>(program_->vocabulary->words(), 0), false};
  return masks_[alike] = std::move(mask);
}

StateId States::ShortSightedState(StateId state) {
  if (states_[state].short_sighted != kUnknown) return states_[state].short_sighted;
  std::vector<Config> configs(ConfigsOf(states_[state]).begin(), ConfigsOf(states_[state]).end());
  for (Config& config : configs) config.frame = frames_[config.frame].short_sighted;
  const StateId alike = Intern(configs, states_[state].complete, states_[state].free);
  states_[state].short_sighted = alike;
  return alike;
}

TokenMask States::Walk(StateId state) {
  const Vocabulary& vocabulary = *program_->vocabulary;
  TokenMask mask{std::vector<uint64_t>(vocabulary.words(), 0), false};
  const auto allow = [&](int32_t token) { mask.bits[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64); };
  const auto trie = vocabulary.trie();
  std::vector<StateId> path(vocabulary.longest() + 1, state);
  for (size_t i = 0; i < trie.size() && status_.ok();) {
    const Vocabulary::Node& node = trie[i];
    const StateId next = Next(path[node.depth - 1], node.byte);
    if (next == kDead) {
      i = node.end;
      continue;
    }
    path[node.depth] = next;
    for (const int32_t token : vocabulary.TokensAt(node)) allow(token);
    ++i;
  }
  const bool free = states_[state].free != kNotFree;
  if (free || !automaton_.tokens.empty()) {
    // Tokens without text, and those that are meant by their number.
    for (int32_t token = 0; static_cast<size_t>(token) < vocabulary.size(); ++token) {
      if ((!free || vocabulary.text(token).empty()) && !vocabulary.Ends(token) && After(state, token) != kDead) {
        allow(token);
      }
    }
  }
  if (MayEnd(state)) {
    for (const int32_t end : vocabulary.ends()) allow(end);
  }
  mask.any = std::ranges::any_of(mask.bits, [](uint64_t word) { return word != 0; });
  return mask;
}

StateId States::Import(const States& from, StateId state) {
  work_ = 0;
  const State& old = from.states_[state];
  std::vector<Config> configs;
  for (const Config& config : from.ConfigsOf(old)) {
    std::vector<uint32_t> chain;
    for (uint32_t frame = config.frame; frame != 0; frame = from.frames_[frame].parent) chain.push_back(frame);
    uint32_t frame = 0;
    for (size_t i = chain.size(); i-- > 0;) {
      const Frame& f = from.frames_[chain[i]];
      frame = Push({.parent = frame, .node = f.node, .count = f.count});
    }
    configs.push_back({config.node, frame});
  }
  return Intern(configs, old.complete, old.free);
}

bool States::full() const {
  return next_.size() * sizeof(StateId) + configs_.size() * sizeof(Config) + states_.size() * 64 + frames_.size() * 64 +
             masks_.size() * program_->vocabulary->words() * 8 >
         kMostBytes;
}

}  // namespace zell::grammar
