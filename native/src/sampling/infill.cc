#include "sampling/infill.h"

#include <algorithm>
#include <string>
#include <utility>

namespace zell::sampling::internal {
namespace {

struct Entry {
  Candidate candidate;
  double mass;
  bool ends;
  std::string piece;
};

/// The more likely of two tokens takes the other's mass when one's text begins with the other's.
void JoinCommonBeginnings(std::vector<Entry>& entries) {
  for (size_t a = 0; a < entries.size(); ++a) {
    for (size_t b = 0; b < entries.size(); ++b) {
      if (entries[a].mass <= 0) break;
      if (a == b || entries[b].mass <= 0 || entries[a].piece.empty()) continue;
      if (!entries[b].piece.starts_with(entries[a].piece)) continue;
      Entry* into = &entries[a];
      Entry* from = &entries[b];
      if (from->mass > into->mass) std::swap(into, from);
      into->mass += from->mass;
      from->mass = 0;
    }
  }
}

/// Ends, and others with at least `least`. @returns how many others, and the mass of all that stay
std::pair<size_t, double> Keep(std::vector<Entry>& entries, double least) {
  std::erase_if(entries, [&](const Entry& e) { return !e.ends && e.mass < least; });
  size_t others = 0;
  double mass = 0;
  for (const Entry& e : entries) others += e.ends ? 0 : 1, mass += e.mass;
  return {others, mass};
}

}  // namespace

void KeepSure(Pool& pool, const TokenTexts& texts) {
  pool.Sort();
  std::vector<double> weights;
  const double total = pool.Weigh(&weights);
  std::vector<Entry> entries;
  double ends = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int32_t token = pool.kept[i].token;
    entries.push_back({pool.kept[i], weights[i] / total, texts.EndsGeneration(token), texts.Piece(token)});
    if (entries.back().ends) ends += entries.back().mass;
  }
  const double most_ends = (1 - ends) / (3 * static_cast<double>(entries.size()));
  if (ends > most_ends) {
    std::erase_if(pool.kept, [&](const Candidate& c) { return !texts.EndsGeneration(c.token); });
    return;
  }
  JoinCommonBeginnings(entries);
  const auto [others, mass] = Keep(entries, 0.2);
  pool.kept.clear();
  if (others == 0) {
    const int32_t end = texts.End();
    pool.kept.push_back(end >= 0 || entries.empty() ? Candidate{std::max(end, 0), 0} : entries.front().candidate);
    return;
  }
  for (Entry& e : entries) e.mass /= mass;
  std::vector<Entry> sure = entries;
  Keep(sure, 1.0 / static_cast<double>(others + 1));
  for (const Entry& e : sure) pool.kept.push_back(e.candidate);
  if (pool.kept.empty()) pool.kept.push_back(entries.front().candidate);
}

}  // namespace zell::sampling::internal
