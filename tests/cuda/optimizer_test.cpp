#include "reckon/cuda/optimizer.h"

#include <gtest/gtest.h>

#include <limits>

#include "cuda/device_values.h"
#include "cuda/every_order.h"

namespace reckon::cuda {
namespace {

using testing::doubles;
using testing::expect_close;
using testing::normal_values;
using testing::on_device;
using testing::refusal_of;
namespace reference = testing::reference;

double run_sum(const std::vector<float>& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  DeviceArray<double> sum(1), workspace(static_cast<std::size_t>(sum_of_squares_workspace(count)));
  sum_of_squares(on_device(values).data(), count, sum.data(), workspace.data(), nullptr);
  return sum.download().front();
}

TEST_P(EveryOrder, SumOfSquaresMatchesExtendedPrecision) {
  for (const std::size_t size : {0u, 1u, 3u, 4u, 2047u, 8193u, 65535u, 65536u, 65538u, 200003u}) {
    const auto values = normal_values(size, 1);
    const double expected = reference::sum_of_squares(values);
    EXPECT_NEAR(run_sum(values), expected, 1e-14 * expected) << size;  // 60 additions of 2^-53
  }
}

TEST_P(EveryOrder, SumOfSquaresAddsInFloat64) {
  // 10,000 times 1e-4 squared beside one 100 squared: float32 would lose the small ones.
  std::vector<float> values(10001, 1e-4f);
  values[0] = 100.0f;
  const double small = 1e-4f;  // the float nearest to it
  EXPECT_NEAR(run_sum(values), 10000.0 + 10000 * small * small, 1e-10);
  EXPECT_EQ(run_sum({1e30f, 1e30f}), 2.0 * static_cast<double>(1e30f) * static_cast<double>(1e30f));
}

TEST(SumOfSquares, OfManyBlocksAddsEachOnce) {
  // More blocks than the threads that add them; powers of two, so that no addition rounds.
  std::vector<float> values(600 * 65536, 0.0f);
  for (std::size_t block = 0; block < 600; ++block)
    values[block * 65536 + 97 * block] = block % 2 == 0 ? 1 : 2;
  EXPECT_EQ(run_sum(values), 300 + 300 * 4);
}

struct State {
  std::vector<float> weight, first_moment, second_moment, rounded;
};

/// One step on the device.
class Optimizer {
 public:
  explicit Optimizer(const std::vector<float>& weight)
      : weight_(on_device(weight)), rounded_(testing::bf16_on_device(weight)) {
    first_ = on_device(std::vector<float>(weight.size()));
    second_ = on_device(std::vector<float>(weight.size()));
  }
  void step(const std::vector<float>& gradient, double squares, const std::vector<DecayRange>& ranges,
            const AdamWSettings& settings) {
    adamw(weight_.data(), on_device(gradient).data(), first_.data(), second_.data(), rounded_.data(),
          static_cast<std::int64_t>(gradient.size()), on_device(std::vector<double>{squares}).data(),
          on_device(ranges).data(), static_cast<std::int64_t>(ranges.size()), settings, nullptr);
  }
  [[nodiscard]] State state() const {
    return {weight_.download(), first_.download(), second_.download(), testing::floats_of(rounded_)};
  }

 private:
  DeviceArray<float> weight_, first_, second_;
  DeviceArray<bf16> rounded_;
};

TEST_P(EveryOrder, AdamWMatchesHandWorkedSteps) {
  // b1 = 0.5, b2 = 0.5, lr = 0.1, eps = 0, decay 0.1, w = 1, g = 2:
  // m = 1, v = 2; corrected 2 and 4; direction 2 / 2 = 1; w = 1 - 0.1 (1 + 0.1) = 0.89.
  // Then g = 0: m = 0.5, v = 1; corrected 0.5 / 0.75 = 2/3, 1 / 0.75 = 4/3; direction 0.577350;
  // w = 0.89 - 0.1 (0.577350 + 0.089) = 0.823365.
  const std::vector<DecayRange> ranges{{0, 1, 0.1f}};
  AdamWSettings settings{
      .learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.5, .eps = 0, .max_grad_norm = 0, .gradient_scale = 0.5};
  Optimizer one({1});
  one.step({4}, 16, ranges, settings);  // scaled to 2
  State state = one.state();
  EXPECT_NEAR(state.weight[0], 0.89, 1e-6);
  EXPECT_NEAR(state.first_moment[0], 1.0, 1e-6);
  EXPECT_NEAR(state.second_moment[0], 2.0, 1e-6);
  EXPECT_EQ(state.rounded[0], 228.0f / 256);  // 0.89 is 227.84 steps of 2^-8
  settings.step = 2;
  one.step({0}, 0, ranges, settings);
  EXPECT_NEAR(one.state().weight[0], 0.823365, 1e-6);
}

// Each step rounds a few times by 2^-24: of weights of 1, and of moments that later steps read. The betas are
// float32 in the kernel: 0.99 errs by 1e-8, which is 1e-6 of 1 - 0.99.
TEST_P(EveryOrder, AdamWMatchesFloat64OverSteps) {
  for (const std::size_t size : {1u, 2u, 7u, 1025u}) {
    Optimizer optimizer(normal_values(size, 1));
    reference::AdamWState expected{doubles(normal_values(size, 1)), doubles(std::vector<float>(size)),
                                   doubles(std::vector<float>(size))};
    AdamWSettings settings{.learning_rate = 0.01, .eps = 1e-3, .gradient_scale = -0.7};
    for (settings.step = 1; settings.step <= 5; ++settings.step) {
      const auto gradient = normal_values(size, static_cast<std::uint64_t>(10 + settings.step));
      optimizer.step(gradient, 1e9, {{0, static_cast<std::int64_t>(size), 0.1f}}, settings);
      reference::adamw(expected, doubles(gradient),
                       {.learning_rate = 0.01,
                        .eps = 1e-3,
                        .weight_decay = 0.1,
                        .gradient_scale = -0.7,
                        .step = settings.step});
    }
    const State state = optimizer.state();
    expect_close(state.weight, expected.weight, 1e-6, 1e-6);
    expect_close(state.first_moment, expected.first_moment, 1e-6, 1e-6);
    expect_close(state.second_moment, expected.second_moment, 1e-6, 2e-6);
    EXPECT_EQ(state.rounded, testing::rounded_to_bf16(state.weight));
  }
}

TEST_P(EveryOrder, AdamWClipsByTheNormOfTheUnscaledGradient) {
  // |gradient| = 5, scaled by 0.5: a norm of 2.5, cut to 1. So m = 0.1 * 0.5 * g / 2.5 = 0.02 g.
  const std::vector<DecayRange> ranges{{0, 2, 0.0f}};
  AdamWSettings settings{.learning_rate = 0.1, .max_grad_norm = 1, .gradient_scale = 0.5};
  Optimizer clipped({1, 1});
  clipped.step({3, -4}, 25, ranges, settings);
  expect_close(clipped.state().first_moment, std::vector<double>{0.06, -0.08}, 1e-7);
  // The other way round the norm is the same.
  settings.gradient_scale = -0.5;
  Optimizer reversed({1, 1});
  reversed.step({3, -4}, 25, ranges, settings);
  expect_close(reversed.state().first_moment, std::vector<double>{-0.06, 0.08}, 1e-7);
  settings.gradient_scale = 0.5;
  // Below the limit nothing is cut: 0.1 * 0.5 g.
  settings.max_grad_norm = 2.6;
  Optimizer whole({1, 1});
  whole.step({3, -4}, 25, ranges, settings);
  expect_close(whole.state().first_moment, std::vector<double>{0.15, -0.2}, 1e-7);
  // A gradient of zeros has the norm 0, by which nothing is divided.
  settings.eps = 1e-8;
  Optimizer still({1, 1});
  still.step({0, 0}, 0, ranges, settings);
  EXPECT_EQ(still.state().weight, (std::vector<float>{1, 1}));
}

TEST_P(EveryOrder, AdamWDecaysEachRangeByItsOwn) {
  // Ranges of 1 to 5 values, then long ones, one of them empty, one across the blocks' border at 16,384.
  constexpr std::int64_t kCount = 2 * 16384 + 7;
  std::vector<DecayRange> ranges;
  std::int64_t end = 0;
  while (end < kCount) {
    const auto number = static_cast<std::int64_t>(ranges.size());
    const std::int64_t length = number < 40 ? number % 6 : number * 37;
    const std::int64_t next = std::min(end + length, kCount);
    ranges.push_back({end, next, static_cast<float>(number)});
    end = next;
  }
  std::vector<float> expected;
  for (const DecayRange& range : ranges) {
    for (std::int64_t i = range.begin; i < range.end; ++i)
      expected.push_back(1.0f - 0x1p-10f * range.weight_decay);  // exact: the gradient is 0
  }
  ASSERT_GT(ranges.size(), 50u);
  Optimizer optimizer(std::vector<float>(kCount, 1.0f));
  optimizer.step(std::vector<float>(kCount), 0, ranges, {.learning_rate = 0x1p-10});
  EXPECT_EQ(optimizer.state().weight, expected);
}

TEST_P(EveryOrder, AdamWTouchesNothingPastTheEnd) {
  for (const std::int64_t count : {1, 3, 1021, 16383}) {
    const auto size = static_cast<std::size_t>(count);
    const std::vector<float> ones(size + 4, 1.0f);
    auto weight = on_device(ones), gradient = on_device(ones), first = on_device(ones),
         second = on_device(ones);
    auto rounded = testing::bf16_on_device(ones);
    adamw(weight.data(), gradient.data(), first.data(), second.data(), rounded.data(), count,
          on_device(std::vector<double>{1}).data(),
          on_device(std::vector<DecayRange>{{0, count, 0.0f}}).data(), 1,
          {.learning_rate = 0.5, .beta1 = 0.5, .beta2 = 0.25, .gradient_scale = 2}, nullptr);
    for (const auto& values :
         {weight.download(), first.download(), second.download(), testing::floats_of(rounded)}) {
      EXPECT_NE(values[size - 1], 1.0f);
      EXPECT_EQ(std::vector<float>(values.end() - 4, values.end()), std::vector<float>(4, 1.0f));
    }
  }
}

TEST_P(EveryOrder, AdamWChangesNothingWhereTheNormIsNotFinite) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto weight = normal_values(21, 1);
  const std::vector<DecayRange> ranges{{0, 21, 0.1f}};
  const AdamWSettings settings{.learning_rate = 0.1, .max_grad_norm = 1};
  Optimizer optimizer(weight);
  optimizer.step(normal_values(21, 2), 20, ranges, settings);
  const State before = optimizer.state();
  ASSERT_NE(before.weight, weight);
  optimizer.step(std::vector<float>(21, kNan), static_cast<double>(kNan), ranges, settings);
  optimizer.step(std::vector<float>(21, 1e30f), kInfinity, ranges, settings);
  const State after = optimizer.state();
  EXPECT_EQ(after.weight, before.weight);
  EXPECT_EQ(after.first_moment, before.first_moment);
  EXPECT_EQ(after.second_moment, before.second_moment);
  EXPECT_EQ(after.rounded, before.rounded);
}

// A shard of the parameters must come out as the whole does, wherever it is cut.
TEST_P(EveryOrder, AdamWOfAValueHasTheSameBitsAtEveryPlace) {
  const auto weight = normal_values(16384 + 600, 1), gradient = normal_values(weight.size(), 2);
  const AdamWSettings settings{.learning_rate = 0.01, .max_grad_norm = 1, .gradient_scale = 0.7};
  const auto run = [&](std::size_t first, std::size_t count) {
    const auto part = [&](const std::vector<float>& all) {
      return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(first),
                                all.begin() + static_cast<std::ptrdiff_t>(first + count));
    };
    Optimizer optimizer(part(weight));
    for (int i = 0; i < 2; ++i)
      optimizer.step(part(gradient), 1e4, {{0, static_cast<std::int64_t>(count), 0.1f}}, settings);
    return optimizer.state();
  };
  const State whole = run(0, weight.size());
  for (const std::size_t first : {1u, 2u, 3u, 16000u, 16383u}) {
    const State shard = run(first, 501);
    for (std::size_t i = 0; i < 501; ++i) {
      ASSERT_EQ(shard.weight[i], whole.weight[first + i]) << first << " + " << i;
      ASSERT_EQ(shard.first_moment[i], whole.first_moment[first + i]);
      ASSERT_EQ(shard.second_moment[i], whole.second_moment[first + i]);
    }
  }
}

TEST_P(EveryOrder, ARecordedStepReadsTheNormAnew) {
  auto weight = on_device(std::vector<float>(8, 1.0f));
  auto gradient = on_device(std::vector<float>(8, 1.0f));
  auto first = on_device(std::vector<float>(8)), second = on_device(std::vector<float>(8));
  auto rounded = testing::bf16_on_device(std::vector<float>(8, 1.0f));
  const auto ranges = on_device(std::vector<DecayRange>{{0, 8, 0.0f}});
  DeviceArray<double> squares(1), workspace(1);
  synchronize(nullptr);  // the stream does not wait for the default one
  const OwnedStream stream;
  const auto step = [&] {
    sum_of_squares(gradient.data(), 8, squares.data(), workspace.data(), stream.get());
    adamw(weight.data(), gradient.data(), first.data(), second.data(), rounded.data(), 8, squares.data(),
          ranges.data(), 1, {.learning_rate = 0, .max_grad_norm = 1}, stream.get());
  };
  step();  // what a GPU does at a kernel's first launch cannot be recorded
  first.fill_zero(stream.get());
  second.fill_zero(stream.get());
  RecordedWork work;
  work.record(stream.get(), step);
  const std::vector<float> larger(8, 100.0f);
  gradient.upload(larger, stream.get());
  work.launch(stream.get());
  expect_close(first.download(stream.get()), std::vector<double>(8, 0.1 / std::sqrt(8.0)), 1e-8);
}

TEST(AdamW, DoesNothingForNoParameters) {
  adamw(nullptr, nullptr, nullptr, nullptr, nullptr, 0, nullptr, nullptr, 0, {}, nullptr);
}

TEST(AdamW, RefusesWhatItCannotRead) {
  alignas(16) static float values[8] = {};
  alignas(16) static bf16 rounded[8] = {};
  const auto run = [](float* weight, bf16* to, std::int64_t num_ranges, std::int64_t step) {
    return refusal_of([=] {
      adamw(weight, values, values, values, to, 4, nullptr, nullptr, num_ranges, {.step = step}, nullptr);
    });
  };
  EXPECT_EQ(run(values + 1, rounded, 1, 1), "adamw: weight starts 4 bytes past a multiple of 16 (need 0)");
  EXPECT_EQ(run(values, rounded + 1, 1, 1), "adamw: rounded starts 2 bytes past a multiple of 8 (need 0)");
  EXPECT_EQ(run(values, rounded, 1, 0), "adamw: step 0 (need at least 1)");
  EXPECT_EQ(run(values, rounded, 0, 1), "adamw: 0 ranges (need ranges that cover the parameters)");
  EXPECT_EQ(refusal_of([] { sum_of_squares(values + 2, 4, nullptr, nullptr, nullptr); }),
            "sum_of_squares: values starts 8 bytes past a multiple of 16 (need 0)");
}

}  // namespace
}  // namespace reckon::cuda
