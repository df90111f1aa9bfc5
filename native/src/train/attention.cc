// Causal grouped-query attention inside segments, and its gradient. A task is one head (backward: all query heads of
// one key head, which add to the same keys) of one segment; scores of some queries at a time are computed anew for the
// gradient, so that no probabilities are kept.
#include <algorithm>
#include <cmath>

#include "train/ops.h"

namespace zell::train {
namespace {

constexpr size_t kQueries = 56;  // rows of scores at a time: whole tiles on AVX-512, few beside the keys of a long text

struct Task {
  const Attention& a;
  Segment segment;
  size_t head = 0;  ///< of the queries
  const float *q, *k, *v;

  size_t KvHead() const { return head / (a.heads / a.kv_heads); }
  View Part(const float* x, size_t heads, size_t h, size_t dim, size_t first, size_t n) const {
    return {x + (segment.first + first) * heads * dim + h * dim, n, dim, heads * dim, 1};
  }
  View Queries(size_t first, size_t n) const { return Part(q, a.heads, head, a.key_dim, first, n); }
  View Keys(size_t n) const { return Part(k, a.kv_heads, KvHead(), a.key_dim, 0, n); }
  View Values(size_t n) const { return Part(v, a.kv_heads, KvHead(), a.value_dim, 0, n); }
};

struct Space {
  SerialGemm gemm;
  std::vector<float> p, dp;
};

Space& SpaceOfThread() {
  thread_local Space space;
  return space;
}

/// p: [n][last] probabilities of queries [first, first + n) over keys [0, last).
void Probabilities(const Task& task, size_t first, size_t n, Space& s) {
  const kernels::Kernels& k = kernels::ActiveKernels();
  const size_t last = first + n;
  s.p.resize(n * last);
  s.gemm.Multiply(task.Queries(first, n), task.Keys(last).Transposed(), s.p.data(), last, false);
  for (size_t i = 0; i < n; ++i) {
    float* row = s.p.data() + i * last;
    const size_t seen = first + i + 1, begin = task.a.window != 0 && seen > task.a.window ? seen - task.a.window : 0;
    k.scale(row + begin, task.a.scale, seen - begin);
    const float max = *std::max_element(row + begin, row + seen);
    const float sum = k.exp_sum(row + begin, max, seen - begin);
    k.scale(row + begin, 1.0f / sum, seen - begin);
    std::fill(row, row + begin, 0.0f);
    std::fill(row + seen, row + last, 0.0f);
  }
}

/// Segments of one length after another would leave threads without work at the end: the longest come first.
std::vector<Segment> LongestFirst(std::span<const Segment> segments) {
  std::vector<Segment> sorted(segments.begin(), segments.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Segment& a, const Segment& b) { return a.length > b.length; });
  return sorted;
}

}  // namespace

void AttentionForward(Workers& workers, const Attention& a, std::span<const Segment> segments, const float* q,
                      const float* k, const float* v, float* out) {
  const std::vector<Segment> sorted = LongestFirst(segments);
  workers.For(sorted.size() * a.heads, [&](size_t t, size_t) {
    const Task task{a, sorted[t / a.heads], t % a.heads, q, k, v};
    Space& space = SpaceOfThread();
    const size_t stride = a.heads * a.value_dim;
    for (size_t first = 0; first < task.segment.length; first += kQueries) {
      const size_t n = std::min(kQueries, task.segment.length - first), last = first + n;
      Probabilities(task, first, n, space);
      float* to = out + (task.segment.first + first) * stride + task.head * a.value_dim;
      space.gemm.Multiply(Rows(space.p.data(), n, last), task.Values(last), to, stride, false);
    }
  });
}

void AttentionBackward(Workers& workers, const Attention& a, std::span<const Segment> segments, const float* q,
                       const float* k, const float* v, const float* dout, float* dq, float* dk, float* dv) {
  const std::vector<Segment> sorted = LongestFirst(segments);
  const kernels::Kernels& kernels = kernels::ActiveKernels();
  const size_t group = a.heads / a.kv_heads;
  workers.For(sorted.size() * a.kv_heads, [&](size_t t, size_t) {
    const Segment segment = sorted[t / a.kv_heads];
    const size_t kv_head = t % a.kv_heads;
    Space& s = SpaceOfThread();
    float* dkeys = dk + (segment.first * a.kv_heads + kv_head) * a.key_dim;
    float* dvalues = dv + (segment.first * a.kv_heads + kv_head) * a.value_dim;
    for (size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      const Task task{a, segment, head, q, k, v};
      for (size_t first = 0; first < segment.length; first += kQueries) {
        const size_t n = std::min(kQueries, segment.length - first), last = first + n;
        Probabilities(task, first, n, s);
        const View d_out = task.Part(dout, a.heads, head, a.value_dim, first, n);
        const View p = Rows(s.p.data(), n, last);
        s.gemm.Multiply(p.Transposed(), d_out, dvalues, a.kv_heads * a.value_dim, true);
        s.dp.resize(n * last);
        s.gemm.Multiply(d_out, task.Values(last).Transposed(), s.dp.data(), last, false);
        // Through the softmax: ds = p * (dp - sum p * dp).
        for (size_t i = 0; i < n; ++i) {
          float *row = s.dp.data() + i * last, *probability = s.p.data() + i * last;
          const float mean = kernels.dot_f32(row, probability, last);
          for (size_t j = 0; j < last; ++j) row[j] = probability[j] * (row[j] - mean) * a.scale;
        }
        const View ds = Rows(s.dp.data(), n, last);
        float* dqueries = dq + (segment.first + first) * a.heads * a.key_dim + head * a.key_dim;
        s.gemm.Multiply(ds, task.Keys(last), dqueries, a.heads * a.key_dim, true);
        s.gemm.Multiply(ds.Transposed(), task.Queries(first, n), dkeys, a.kv_heads * a.key_dim, true);
      }
    }
  });
}

}  // namespace zell::train
