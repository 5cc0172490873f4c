#include "reckon/ops/swiglu.h"

#include "kernels/kernels.h"

namespace reckon {

void swiglu(std::span<const float> gate_up, std::int64_t width, std::span<float> h) {
  kernels().swiglu(gate_up.data(), static_cast<std::int64_t>(h.size()) / width, width, h.data());
}

void swiglu_backward(std::span<const float> dh, std::span<const float> gate_up, std::int64_t width,
                     std::span<float> dgate_up, std::span<float> h) {
  kernels().swiglu_backward(dh.data(), gate_up.data(), static_cast<std::int64_t>(dh.size()) / width, width,
                            dgate_up.data(), h.empty() ? nullptr : h.data());
}

}  // namespace reckon
