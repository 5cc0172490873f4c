#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace reckon::testing {

/// Holds `gradient` against central differences of loss(x), a float64 function, at every stride-th component.
/// The step of 1e-4 errs by 1e-8 of a third derivative and the loss by 1e-15 / 1e-4 of itself: what is left
/// of the tolerance belongs to the float32 gradient. \param tolerance  as a part of the largest component of
/// the gradient
template <class Loss>
void expect_gradient(std::vector<double> x, std::span<const float> gradient, const Loss& loss,
                     double tolerance, std::size_t stride = 1) {
  ASSERT_EQ(x.size(), gradient.size());
  double largest = 0;
  for (const float g : gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
  ASSERT_GT(largest, 0) << "a gradient of zeros shows nothing";
  for (std::size_t i = 0; i < x.size(); i += stride) {
    constexpr double kStep = 1e-4;
    const double kept = x[i];
    x[i] = kept + kStep;
    const double above = loss(x);
    x[i] = kept - kStep;
    const double below = loss(x);
    x[i] = kept;
    ASSERT_NEAR(gradient[i], (above - below) / (2 * kStep), tolerance * largest) << "at " << i;
  }
}

}  // namespace reckon::testing
