#include "gradient_sums.h"

#include <gtest/gtest.h>

#include "cuda/device_values.h"
#include "cuda/every_order.h"

namespace reckon::cuda {
namespace {

using testing::normal_values;
using testing::on_device;

// 64 slices are summed by 64 threads, eight loads at a time, and then added up: counts around these numbers.
// Up to 20 + 64 additions round by 2^-24 of the partial sums.
TEST_P(EveryOrder, GradientSumsMatchFloat64) {
  for (const std::size_t count : {1u, 63u, 65u, 512u, 513u, 1300u}) {
    for (const std::size_t width : {2u, 8u, 13u}) {
      const auto sums = normal_values(count * width, 1);
      auto to = on_device(std::vector<float>(width, 0.25f));
      add_gradient_sums(on_device(sums).data(), static_cast<std::int64_t>(count),
                        static_cast<std::int64_t>(width), to.data(), nullptr);
      testing::Doubles expected(width, 0.25);
      for (std::size_t i = 0; i < sums.size(); ++i) expected[i % width] += static_cast<double>(sums[i]);
      testing::expect_close(to.download(), expected, 1e-6, 2e-6);
    }
  }
}

TEST(GradientSums, OfNothingChangeNothing) {
  auto to = on_device(std::vector<float>{1.5f, -2.0f});
  add_gradient_sums(nullptr, 0, 2, to.data(), nullptr);
  EXPECT_EQ(to.download(), (std::vector<float>{1.5f, -2.0f}));
}

}  // namespace
}  // namespace reckon::cuda
