#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reckon {

/// RMSNorm (Zhang and Sennrich, arXiv:1910.07467): y = x / sqrt(mean(x^2) + eps) * weight, row by row,
/// float32. \param x [T, H]  \param weight [H]  \param y [T, H] \param inv_rms [T] or empty: 1 /
/// sqrt(mean(x^2) + eps), which the backward pass reads.
void rms_norm(std::span<const float> x, std::span<const float> weight, double eps, std::span<float> y,
              std::span<float> inv_rms = {});

/// Gradients of rms_norm: dx += ..., dweight += ... . \param dy [T, H]
void rms_norm_backward(std::span<const float> dy, std::span<const float> x, std::span<const float> weight,
                       std::span<const float> inv_rms, std::span<float> dx, std::span<float> dweight);

/// Cosines and sines of rotary position embeddings (Su et al., arXiv:2104.09864), in the layout of the
/// Hugging Face models: component i of the first half of a head turns with component i of the second half.
/// Angles are float32 products of position and frequency, as in the code that trained the published weights:
/// at position 30,000 an exact angle would differ from theirs by 1e-3.
class RopeTable {
 public:
  RopeTable() = default;
  /// \param frequencies  [head_dim / 2] radians a position
  /// \param scale        factor of cosines and sines (YaRN's attention factor, arXiv:2309.00071, section 3.4)
  explicit RopeTable(std::vector<float> frequencies, float scale = 1.0f);
  /// Frequencies theta^(-2 i / head_dim).
  [[nodiscard]] static std::vector<float> frequencies(std::int64_t head_dim, double theta);

  /// Makes room for positions 0 .. positions - 1; what is there stays.
  void extend_to(std::int64_t positions);
  /// \param position  below num_positions()
  [[nodiscard]] const float* cosines(std::int64_t position) const { return cos_.data() + position * half(); }
  [[nodiscard]] const float* sines(std::int64_t position) const { return sin_.data() + position * half(); }
  [[nodiscard]] std::int64_t num_positions() const { return num_positions_; }

 private:
  [[nodiscard]] std::int64_t half() const { return static_cast<std::int64_t>(frequencies_.size()); }

  std::vector<float> frequencies_;
  float scale_ = 1.0f;
  std::int64_t num_positions_ = 0;
  std::vector<float> cos_, sin_;
};

/// Where the heads lie that rope and norm_rope work on: `heads` heads of head_dim values at `offset` in rows
/// of `stride`. head_dim is even and at most 256: they throw std::invalid_argument otherwise.
struct HeadSlice {
  std::int64_t stride = 0;
  std::int64_t offset = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
};

/// Qwen3's treatment of queries and keys: RMSNorm over each head, then rotation by the row's position.
/// \param qkv       [T, stride]
/// \param weight    [head_dim], shared by the heads
/// \param positions [T]
/// \param out       [T, heads, head_dim]
/// \param inv_rms   [T, heads] or empty
void norm_rope(std::span<const float> qkv, const HeadSlice& slice, std::span<const float> weight, double eps,
               const RopeTable& table, std::span<const std::int32_t> positions, std::span<float> out,
               std::span<float> inv_rms = {});

/// Gradients of norm_rope: writes the slice of dqkv [T, stride], adds to dweight [head_dim]. \param dout [T,
/// heads, head_dim]
void norm_rope_backward(std::span<const float> dout, std::span<const float> qkv, const HeadSlice& slice,
                        std::span<const float> weight, std::span<const float> inv_rms, const RopeTable& table,
                        std::span<const std::int32_t> positions, std::span<float> dqkv,
                        std::span<float> dweight);

/// Rotation alone, for models without normalised queries and keys. Shapes as in norm_rope.
void rope(std::span<const float> qkv, const HeadSlice& slice, const RopeTable& table,
          std::span<const std::int32_t> positions, std::span<float> out);

/// Gradient of rope: writes the slice of dqkv [T, stride]. \param dout [T, heads, head_dim]
void rope_backward(std::span<const float> dout, const HeadSlice& slice, const RopeTable& table,
                   std::span<const std::int32_t> positions, std::span<float> dqkv);

}  // namespace reckon
