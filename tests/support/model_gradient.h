#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "reckon/model/decoder.h"

namespace reckon::testing {

/// Holds some components of each tensor's gradient against central differences of loss(), which is called
/// with the weights changed and packed. float32 losses of size 10 over a step of 8e-3 leave 1e-4 of rounding;
/// the curvature adds as much. \param samples  components of a tensor, about
template <class Loss>
void expect_model_gradient(Decoder& model, std::span<const float> gradient, const Loss& loss,
                           std::size_t samples, double tolerance) {
  for (const ParameterTensor& tensor : model.tensors()) {
    double largest = 0;
    for (std::size_t i = 0; i < tensor.size; i += std::max<std::size_t>(1, tensor.size / samples)) {
      float& value = model.parameters()[tensor.offset + i];
      const float kept = value;
      const auto loss_at = [&](float moved) {
        value = moved;
        model.repack();
        return loss();
      };
      const double above = loss_at(kept + 4e-3f);
      const double below = loss_at(kept - 4e-3f);
      value = kept;
      ASSERT_NEAR(gradient[tensor.offset + i], (above - below) / 8e-3, tolerance) << tensor.name << " " << i;
      largest = std::max(largest, std::abs(static_cast<double>(gradient[tensor.offset + i])));
    }
    // A bias of all keys moves every score of a query alike, which softmax does not see: only the turning by
    // position lets a little of it through.
    EXPECT_GT(largest, 1e-4) << tensor.name << ": a gradient of zero would pass the comparison";
  }
}

}  // namespace reckon::testing
