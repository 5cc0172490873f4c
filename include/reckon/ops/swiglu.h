#pragma once

#include <cstdint>
#include <span>

namespace reckon {

/// SwiGLU (Shazeer, arXiv:2002.05202): h = silu(g) * u with silu(g) = g / (1 + e^-g).
/// \param gate_up  [T, 2 * width]: g in the first half of a row, u in the second
/// \param h        [T, width]
void swiglu(std::span<const float> gate_up, std::int64_t width, std::span<float> h);

/// Gradient of swiglu. \param dh [T, width]  \param dgate_up [T, 2 * width], written
/// \param h  [T, width] or empty: what swiglu gives, once more, for the gradient of the weight that read it
void swiglu_backward(std::span<const float> dh, std::span<const float> gate_up, std::int64_t width,
                     std::span<float> dgate_up, std::span<float> h = {});

}  // namespace reckon
