#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// A weight [out, in] of a linear layer, laid out for its products: panels of 128 outputs, [in, 128] each,
/// for the forward product; in bfloat16 as pairs of inputs, and again for the gradient of the input. The
/// weight itself is not owned; pack() must be called whenever it has changed.
class PackedWeight {
 public:
  static constexpr std::int64_t kPanel = 128;

  PackedWeight() = default;
  PackedWeight(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
               ComputeDtype dtype = ComputeDtype::float32);
  void pack();

  [[nodiscard]] std::int64_t out_features() const { return out_features_; }
  [[nodiscard]] std::int64_t in_features() const { return in_features_; }
  [[nodiscard]] ComputeDtype dtype() const { return dtype_; }
  [[nodiscard]] const float* weight() const { return weight_.data(); }  ///< [out, in]
  [[nodiscard]] const float* panels() const { return panels_.data(); }  ///< float32 only
  [[nodiscard]] const std::uint16_t* forward_pairs() const;             ///< bfloat16 only: panels of outputs
  [[nodiscard]] const std::uint16_t* backward_pairs() const;            ///< bfloat16 only: panels of inputs

 private:
  std::span<const float> weight_;
  std::int64_t out_features_ = 0;
  std::int64_t in_features_ = 0;
  ComputeDtype dtype_ = ComputeDtype::float32;
  AlignedBuffer panels_, backward_panels_;
};

/// Whether a product replaces what is in its output or is added to it.
enum class Output { replace, add };

/// y = x W^T (or y += x W^T), row-major, CPU. float32, or x and W rounded to bfloat16 and summed in float32.
/// Each row of y depends on its row of x alone: the same bits for any number of rows (oneDNN brgemm, whose
/// order of sums over `in` does not depend on the rows). \param x  [T, in]   \param y  [T, out] \throws
/// std::invalid_argument where the sizes do not fit.
void linear(std::span<const float> x, const PackedWeight& weight, std::span<float> y,
            Output output = Output::replace);

/// dx = dy W (or +=): the gradient of linear() with respect to x; in bfloat16 dy is rounded. dy [T, out], dx
/// [T, in].
void linear_backward_input(std::span<const float> dy, const PackedWeight& weight, std::span<float> dx,
                           Output output = Output::replace);

/// Rows that linear_backward_weight() sums in one product.
inline constexpr std::int64_t kWeightGradientRows = 512;

/// dw += dy^T x: the gradient with respect to the weight, summed over the T rows in blocks of
/// kWeightGradientRows in their order; in bfloat16 dy and x are rounded. dy [T, out], x [T, in], dw [out,
/// in].
void linear_backward_weight(std::span<const float> dy, std::span<const float> x, std::int64_t out_features,
                            std::int64_t in_features, std::span<float> dw,
                            ComputeDtype dtype = ComputeDtype::float32);

/// y[t] += bias. \param y [T, out]  \param bias [out]
void add_bias(std::span<float> y, std::span<const float> bias);

/// dbias += sum_t dy[t], rows in their order. dy [T, out], dbias [out].
void bias_backward(std::span<const float> dy, std::span<float> dbias);

}  // namespace reckon
