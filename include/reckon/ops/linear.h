#pragma once

#include <cstdint>
#include <span>

#include "reckon/base/aligned_buffer.h"

namespace reckon {

/// A weight [out, in] of a linear layer beside its transpose, which the forward product reads.
/// The weight is not owned; pack() must be called whenever it has changed.
class PackedWeight {
 public:
  PackedWeight() = default;
  PackedWeight(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features);
  void pack();

  [[nodiscard]] std::int64_t out_features() const { return out_features_; }
  [[nodiscard]] std::int64_t in_features() const { return in_features_; }
  [[nodiscard]] const float* weight() const { return weight_.data(); }          ///< [out, in]
  [[nodiscard]] const float* transposed() const { return transposed_.data(); }  ///< [in, out]

 private:
  std::span<const float> weight_;
  std::int64_t out_features_ = 0;
  std::int64_t in_features_ = 0;
  AlignedBuffer transposed_;
};

/// Whether a product replaces what is in its output or is added to it.
enum class Output { replace, add };

/// y = x W^T (or y += x W^T). float32, row-major, CPU. Each row of y depends on its row of x alone: the same
/// bits for any number of rows (oneDNN brgemm, whose order of sums over `in` does not depend on the rows).
/// \param x  [T, in]   \param y  [T, out]
/// \throws std::invalid_argument where the sizes do not fit.
void linear(std::span<const float> x, const PackedWeight& weight, std::span<float> y,
            Output output = Output::replace);

/// dx = dy W (or +=): the gradient of linear() with respect to x. dy [T, out], dx [T, in].
void linear_backward_input(std::span<const float> dy, const PackedWeight& weight, std::span<float> dx,
                           Output output = Output::replace);

/// dw += dy^T x: the gradient with respect to the weight, summed over the T rows in blocks of 256 in their
/// order. dy [T, out], x [T, in], dw [out, in].
void linear_backward_weight(std::span<const float> dy, std::span<const float> x, std::int64_t out_features,
                            std::int64_t in_features, std::span<float> dw);

/// y[t] += bias. \param y [T, out]  \param bias [out]
void add_bias(std::span<float> y, std::span<const float> bias);

/// dbias += sum_t dy[t], rows in their order. dy [T, out], dbias [out].
void bias_backward(std::span<const float> dy, std::span<float> dbias);

}  // namespace reckon
