// Attention over blocks: against a double-precision softmax, and bit for bit over widths and ISAs.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// `blocks` blocks of one KV head and `cols` queries; column c sees tokens [first[c], end[c]) of them all.
struct Problem {
  size_t cols, key_dim, value_dim, blocks;
  float scale = 0.3f;
  size_t query_stride, acc_stride;
  std::vector<float> queries;
  std::vector<uint16_t> keys, values;
  KvType type = KvType::kF16;
  std::vector<uint16_t> small_keys, small_values;  ///< [blocks], of other types
  std::vector<size_t> first, end;

  Problem(Random& random, size_t cols_, size_t key_dim_, size_t value_dim_, size_t blocks_)
      : cols(cols_), key_dim(key_dim_), value_dim(value_dim_), blocks(blocks_) {
    query_stride = Padded(key_dim);
    acc_stride = Padded(value_dim) + 16;
    queries = RandomFloats(random, cols * key_dim, 2);
    for (float f : RandomFloats(random, blocks * kAttendTokens * key_dim)) keys.push_back(zell::quant::F32ToF16(f));
    for (float f : RandomFloats(random, blocks * kAttendTokens * value_dim)) values.push_back(zell::quant::F32ToF16(f));
    const size_t tokens = blocks * kAttendTokens;
    for (size_t c = 0; c < cols; ++c) {
      end.push_back(1 + (c * 7 + tokens / 2) % tokens);
      first.push_back(c % 3 == 2 ? end[c] / 2 : 0);
    }
  }

  static size_t Padded(size_t dim) { return KvGroups(dim) * kKvGroup; }
  /// 16-bit elements of a block.
  size_t SmallElements(size_t dim) const { return KvGroups(dim) * kAttendTokens * (KvGroupBytes(type) / 2 + 1); }
  const KvKernels& Of(const Kernels& k) const { return k.kv[static_cast<size_t>(type)]; }

  /// Keys and values of this type from now on; the f16 ones become what these stand for.
  void Become(KvType wanted) {
    type = wanted;
    if (type == KvType::kF16) return;
    const Kernels& k = *SupportedKernels().front();
    small_keys.assign(blocks * SmallElements(key_dim), 0);
    small_values.assign(blocks * SmallElements(value_dim), 0);
    for (size_t t = 0; t < blocks * kAttendTokens; ++t) {
      for (const bool key : {true, false}) {
        const size_t dim = key ? key_dim : value_dim, groups = KvGroups(dim), slot = t % kAttendTokens;
        std::vector<float> row(Padded(dim));
        const auto at = [&](size_t i) -> uint16_t& {
          return key ? keys[(t / kAttendTokens * key_dim + i) * kAttendTokens + slot] : values[t * value_dim + i];
        };
        for (size_t i = 0; i < dim; ++i) row[i] = zell::quant::F16ToF32(at(i));
        std::vector<uint8_t> q(groups * KvGroupBytes(type));
        std::vector<uint16_t> scales(groups);
        Of(k).quantize(row.data(), q.data(), scales.data(), groups);
        uint16_t* block = (key ? small_keys : small_values).data() + t / kAttendTokens * SmallElements(dim);
        uint8_t* bytes = reinterpret_cast<uint8_t*>(block);
        for (size_t i = 0; i < q.size(); ++i) {
          bytes[key ? (i / 4 * kAttendTokens + slot) * 4 + i % 4 : slot * q.size() + i] = q[i];
        }
        for (size_t g = 0; g < groups; ++g) block[(q.size() / 2 + g) * kAttendTokens + slot] = scales[g];
        for (size_t i = 0; i < dim; ++i) {
          const float scale = zell::quant::F16ToF32(scales[i / kKvGroup]);
          const float number = scale * static_cast<float>(Number(&q[i / kKvGroup * KvGroupBytes(type)], i % kKvGroup));
          // Of 4 bits the largest numbers may be cut, so that the others come nearer.
          CHECK(std::fabs(number - row[i]) <= std::fabs(scale) * (type == KvType::kQ8_0 ? 0.51f : 2.1f));
          at(i) = zell::quant::F32ToF16(number);  // which has fewer bits than scale and number together
        }
      }
    }
  }

  int Number(const uint8_t* group, size_t i) const {
    if (type == KvType::kQ8_0) return static_cast<int8_t>(group[i]);
    return (i < 16 ? group[i] & 15 : group[i - 16] >> 4) - 8;
  }

  struct Answer {
    std::vector<float> max, sums, acc;
    bool operator==(const Answer& o) const {
      const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
      };
      return same(max, o.max) && same(sums, o.sums) && same(acc, o.acc);
    }
  };

  /// Columns [c0, c1); the answer has all columns, untouched outside.
  void Run(const Kernels& k, size_t c0, size_t c1, Answer& y) const {
    std::vector<float> prepared(cols * query_stride), scores(cols * kAttendTokens, 77.0f);
    for (size_t c = c0; c < c1; ++c) {
      k.attend_query(&queries[c * key_dim], scale, &prepared[c * query_stride], key_dim);
      if (type == KvType::kF16) continue;
      const std::vector<float> row(&prepared[c * query_stride], &prepared[c * query_stride] + query_stride);
      k.quantize(ActivationFormat::kQ8, row.data(), &prepared[c * query_stride], query_stride);
    }
    std::vector<SeenTokens> seen(cols);
    for (size_t b = 0; b < blocks; ++b) {
      const size_t base = b * kAttendTokens;
      for (size_t c = c0; c < c1; ++c) {
        const auto clip = [&](size_t t) {
          return static_cast<uint32_t>(t <= base ? 0 : std::min(t - base, kAttendTokens));
        };
        seen[c] = {clip(first[c]), clip(end[c])};
      }
      AttendArgs a{};
      a.cols = c1 - c0;
      a.queries = &prepared[c0 * query_stride];
      a.query_stride = query_stride;
      a.keys = &keys[base * key_dim];
      a.values = &values[base * value_dim];
      a.next_keys = b + 1 < blocks ? &keys[(base + kAttendTokens) * key_dim] : nullptr;
      a.key_dim = key_dim;
      a.value_dim = value_dim;
      a.scores = &scores[c0 * kAttendTokens];
      a.seen = &seen[c0];
      a.max = &y.max[c0];
      a.sums = &y.sums[c0 * kAttendLanes];
      a.acc = &y.acc[c0 * acc_stride];
      a.acc_stride = acc_stride;
      if (type != KvType::kF16) {
        a.keys = &small_keys[b * SmallElements(key_dim)];
        a.values = &small_values[b * SmallElements(value_dim)];
      }
      Of(k).scores(a);
      Of(k).values(a);
    }
  }
  Answer Empty() const {
    return {std::vector<float>(cols, -kInfinity), std::vector<float>(cols * kAttendLanes),
            std::vector<float>(cols * acc_stride)};
  }
  Answer RunAll(const Kernels& k) const {
    Answer y = Empty();
    Run(k, 0, cols, y);
    return y;
  }
  double Key(size_t t, size_t i) const {
    return zell::quant::F16ToF32(keys[(t / kAttendTokens * key_dim + i) * kAttendTokens + t % kAttendTokens]);
  }
};

constexpr size_t kShapes[][4] = {{1, 64, 64, 1}, {3, 64, 64, 4}, {48, 64, 64, 5}, {17, 128, 128, 3}, {5, 80, 80, 2},
                                 {7, 24, 20, 3}, {2, 2, 1, 2},   {16, 96, 40, 2}, {35, 192, 128, 2}};

struct Case {
  std::array<size_t, 4> shape;
  KvType type;
};
std::vector<Case> AllTypes() {
  std::vector<Case> cases;
  for (const auto& s : kShapes) {
    for (const KvType type : {KvType::kF16, KvType::kQ8_0, KvType::kQ4_0}) {
      cases.push_back({{s[0], s[1], s[2], s[3]}, type});
    }
  }
  return cases;
}

}  // namespace

TEST(attention_is_near_a_softmax_in_double) {
  Random random(1);
  for (const auto& [s, type] : AllTypes()) {
    Problem p(random, s[0], s[1], s[2], s[3]);
    p.Become(type);
    for (const Kernels* k : SupportedKernels()) {
      const Problem::Answer y = p.RunAll(*k);
      for (size_t c = 0; c < p.cols; ++c) {
        std::vector<double> score;
        double max = -kInfinity, sum = 0, ours = 0;
        for (size_t t = p.first[c]; t < p.end[c]; ++t) {
          double dot = 0;
          for (size_t i = 0; i < p.key_dim; ++i) dot += double(p.queries[c * p.key_dim + i]) * p.scale * p.Key(t, i);
          score.push_back(dot);
          max = std::fmax(max, dot);
        }
        for (double& d : score) sum += d = std::exp(d - max);
        for (size_t i = 0; i < kAttendLanes; ++i) ours += y.sums[c * kAttendLanes + i];
        for (size_t d = 0; d < p.value_dim; ++d) {
          double want = 0;
          for (size_t t = p.first[c]; t < p.end[c]; ++t) {
            want += score[t - p.first[c]] / sum * zell::quant::F16ToF32(p.values[t * p.value_dim + d]);
          }
          // Scores reach 30 and are right to a few 2^-17 of |q| |k| at worst, which exp turns into relative errors.
          // For fewer bits the query is rounded to a 254th of its largest number: some hundredths of a score, more
          // where keys are long.
          CHECK(std::fabs(y.acc[c * p.acc_stride + d] / ours - want) <= (type == KvType::kF16 ? 2e-4 : 0.15));
        }
      }
    }
  }
}

TEST(attention_has_the_same_bits_for_every_number_of_columns) {
  Random random(2);
  for (const auto& [s, type] : AllTypes()) {
    Problem p(random, s[0], s[1], s[2], s[3]);
    p.Become(type);
    for (const Kernels* k : SupportedKernels()) {
      const Problem::Answer expected = p.RunAll(*k);
      for (size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{13}}) {
        Problem::Answer y = p.Empty();
        for (size_t c = 0; c < p.cols; c += step) p.Run(*k, c, std::min(c + step, p.cols), y);
        CHECK(y == expected);
      }
    }
  }
}

TEST(attention_has_the_same_bits_on_every_isa) {
  Random random(3);
  for (const auto& [s, type] : AllTypes()) {
    Problem p(random, s[0], s[1], s[2], s[3]);
    p.Become(type);
    const Problem::Answer expected = p.RunAll(*SupportedKernels().front());
    for (const Kernels* k : SupportedKernels()) CHECK(p.RunAll(*k) == expected);
  }
}

ZELL_TEST_MAIN
