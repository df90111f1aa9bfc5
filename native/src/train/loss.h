// What is minimised, and its gradient with respect to logits: cross-entropy, or divergence from sparse distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zell::train {

/// -log softmax(logits)[target]. logits become `weight` times the gradient.
/// @return the loss without the weight.
float CrossEntropy(float* logits, size_t n, uint32_t target, float weight);

/// Kullback-Leibler divergence KL(teacher || softmax(logits)) over the teacher's ids and one bucket for all others.
/// ids: distinct, < n; logprobs: of the ids, whose probabilities sum to at most 1 (to within rounding).
float SparseDivergence(float* logits, size_t n, std::span<const int32_t> ids, std::span<const float> logprobs,
                       float weight);

}  // namespace zell::train
