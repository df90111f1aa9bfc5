// Every operation's gradient beside central differences, in directions that touch all inputs.
#include "train/ops.h"

#include <cstring>
#include <functional>

#include "check.h"
#include "random.h"
#include "train/loss.h"

using namespace zell;
using train::Segment;
using train::Workers;

namespace {

using Numbers = std::vector<float>;

double Dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * b[i];
  return sum;
}

/// loss(x + h d) - loss(x - h d) over 2 h beside gradient * d, in several random directions d. f32 rounds the loss to
/// about 1e-7 of what it sums, and the third derivative adds h²: 1e-2 steps leave some 1e-4.
void CheckGradient(Numbers& x, const Numbers& gradient, const std::function<double()>& loss, double tolerance = 2e-3) {
  const Numbers kept = x;
  const float h = 1e-2f;
  for (uint64_t seed = 100; seed < 104; ++seed) {
    const Numbers d = test::Normals(x.size(), seed);
    for (size_t i = 0; i < x.size(); ++i) x[i] = kept[i] + h * d[i];
    const double above = loss();
    for (size_t i = 0; i < x.size(); ++i) x[i] = kept[i] - h * d[i];
    const double below = loss();
    x = kept;
    const double numeric = (above - below) / (2 * static_cast<double>(h)), exact = Dot(gradient, d);
    const double scale = std::sqrt(Dot(gradient, gradient)) + 1e-3;
    if (std::fabs(numeric - exact) > tolerance * scale) CHECK_EQ(numeric, exact);
  }
}

}  // namespace

TEST(rms_norm_has_the_gradient_of_its_input_and_its_weights) {
  Workers workers(2);
  const size_t width = 48, weights = 96, parts = 10;
  Numbers x = test::Normals(parts * width, 1), w = test::Normals(weights, 2);
  const Numbers out = test::Normals(parts * width, 3);
  for (const bool weighted : {true, false}) {
    const train::RmsNorm norm{weighted ? w.data() : nullptr, width, weights, 1e-5f};
    const auto loss = [&] {
      Numbers y(x.size());
      train::RmsNormForward(workers, norm, x.data(), y.data(), parts);
      return Dot(y, out);
    };
    Numbers dx(x.size(), 1.0f), dw(weights);
    train::RmsNormBackward(workers, norm, x.data(), out.data(), dx.data(), dw.data(), parts);
    for (float& g : dx) g -= 1.0f;  // it was added to
    CheckGradient(x, dx, loss);
    if (weighted) CheckGradient(w, dw, loss);
  }
}

TEST(rope_turns_back) {
  const size_t heads = 2, dim = 12;
  backend::RopeSpec rope{.turns = {1.0, 0.3, 0.1, 0.01}, .magnitude = 1.5};
  for (const bool halves : {false, true}) {
    rope.split_halves = halves;
    train::RopeTable table;
    table.Build(rope, 9);
    Numbers x = test::Normals(heads * dim, 1);
    const Numbers out = test::Normals(heads * dim, 2);
    const auto loss = [&] {
      Numbers y = x;
      table.Turn(y.data(), heads, dim, 2, 8, 1.0f);
      return Dot(y, out);
    };
    Numbers dx = out;
    table.Turn(dx.data(), heads, dim, 2, 8, -1.0f);
    CheckGradient(x, dx, loss);
  }
}

TEST(gates_have_the_gradients_of_both_sides) {
  using kernels::Activation;
  Workers workers(2);
  const size_t n = 300;
  Numbers gate = test::Normals(n, 1, 2.0f), up = test::Normals(n, 2);
  gate[0] = 0.0f;
  const Numbers out = test::Normals(n, 3);
  for (const Activation f : {Activation::kSilu, Activation::kGelu, Activation::kReluSquared}) {
    for (const bool gated : {true, false}) {
      const float* other = gated ? up.data() : nullptr;
      const auto loss = [&] {
        Numbers y(n);
        train::GateForward(workers, f, gate.data(), gated ? up.data() : nullptr, y.data(), n);
        return Dot(y, out);
      };
      Numbers dgate(n), dup(n);
      train::GateBackward(workers, f, gate.data(), other, out.data(), dgate.data(), dup.data(), n);
      CheckGradient(gate, dgate, loss, 5e-3);
      if (gated) CheckGradient(up, dup, loss);
    }
  }
}

TEST(attention_has_the_gradients_of_queries_keys_and_values) {
  Workers workers(3);
  const Segment segments[] = {{0, 5}, {5, 1}, {6, 63}};
  const size_t rows = 69;
  train::Attention a{.heads = 4, .kv_heads = 2, .key_dim = 6, .value_dim = 5, .scale = 0.5f};
  Numbers q = test::Normals(rows * 24, 1), k = test::Normals(rows * 12, 2), v = test::Normals(rows * 10, 3);
  const Numbers out = test::Normals(rows * 20, 4);
  for (const size_t window : {size_t{0}, size_t{3}}) {
    a.window = window;
    const auto loss = [&] {
      Numbers o(rows * 20);
      train::AttentionForward(workers, a, segments, q.data(), k.data(), v.data(), o.data());
      return Dot(o, out);
    };
    Numbers dq(q.size()), dk(k.size()), dv(v.size());
    train::AttentionBackward(workers, a, segments, q.data(), k.data(), v.data(), out.data(), dq.data(), dk.data(),
                             dv.data());
    CheckGradient(q, dq, loss);
    CheckGradient(k, dk, loss);
    CheckGradient(v, dv, loss);
  }
}

TEST(attention_sees_neither_later_tokens_nor_other_segments_nor_beyond_its_window) {
  Workers workers(1);
  const Segment segments[] = {{0, 4}, {4, 4}};
  const train::Attention a{.heads = 1, .kv_heads = 1, .key_dim = 4, .value_dim = 4, .scale = 1.0f, .window = 2};
  Numbers q = test::Normals(32, 1), k = test::Normals(32, 2), v = test::Normals(32, 3), first(32), second(32);
  train::AttentionForward(workers, a, segments, q.data(), k.data(), v.data(), first.data());
  for (size_t i = 4 * 4; i < 5 * 4; ++i) k[i] = v[i] = 9;  // token 4, seen by 4 and 5
  train::AttentionForward(workers, a, segments, q.data(), k.data(), v.data(), second.data());
  for (size_t token = 0; token < 8; ++token) {
    const bool same = std::memcmp(&first[token * 4], &second[token * 4], 4 * sizeof(float)) == 0;
    CHECK_EQ(same, token != 4 && token != 5);
  }
}

TEST(cross_entropy_has_the_gradient_of_logits) {
  Numbers logits = test::Normals(50, 1, 2.0f);
  const auto loss = [&] {
    Numbers copy = logits;
    return 0.7 * train::CrossEntropy(copy.data(), copy.size(), 7, 0.7f);
  };
  Numbers gradient = logits;
  train::CrossEntropy(gradient.data(), gradient.size(), 7, 0.7f);
  CheckGradient(logits, gradient, loss);
  double sum = 0;
  for (const float l : logits) sum += std::exp(double(l));
  CHECK(std::fabs(loss() - 0.7 * (std::log(sum) - logits[7])) < 1e-5);
}

TEST(divergence_has_the_gradient_of_logits_and_is_zero_from_itself) {
  Numbers logits = test::Normals(50, 1, 1.0f);
  const std::vector<int32_t> ids = {3, 40, 9};
  double sum = 0;
  for (const float l : logits) sum += std::exp(double(l));
  Numbers own;
  for (const int32_t id : ids) own.push_back(static_cast<float>(logits[static_cast<size_t>(id)] - std::log(sum)));
  Numbers copy = logits;
  CHECK(std::fabs(train::SparseDivergence(copy.data(), copy.size(), ids, own, 1.0f)) < 1e-6f);
  for (const float g : copy) CHECK(std::fabs(g) < 1e-6f);

  const Numbers teacher = {std::log(0.5f), std::log(0.2f), std::log(0.1f)};
  const auto loss = [&] {
    Numbers changed = logits;
    return double(train::SparseDivergence(changed.data(), changed.size(), ids, teacher, 1.0f));
  };
  Numbers gradient = logits;
  const float value = train::SparseDivergence(gradient.data(), gradient.size(), ids, teacher, 1.0f);
  CheckGradient(logits, gradient, loss);
  double wanted = 0, mine = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double p = std::exp(double(teacher[i])), q = std::exp(double(own[i]));
    wanted += p * std::log(p / q);
    mine += q;
  }
  wanted += 0.2 * std::log(0.2 / (1 - mine));
  CHECK(std::fabs(value - wanted) < 1e-5);
}

ZELL_TEST_MAIN
