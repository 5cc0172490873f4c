// Updates over ranks have the bits of the operation on the whole vector.
#include "reckon/learn/sharded_adamw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "reckon/learn/learner.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/learn/sharded_gradient.h"
#include "support/mpi_world.h"
#include "support/numbers.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr AdamWStep kStep{.learning_rate = 1e-2,
                          .beta1 = 0.9,
                          .beta2 = 0.99,
                          .eps = 1e-8,
                          .weight_decay = 0.1,
                          .gradient_scale = 0.5,
                          .step = 1};

std::span<const float> part_of(const std::vector<float>& all, Range part) {
  return std::span(all).subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size()));
}

std::vector<float> gradient_of(const Decoder& model, std::int64_t step) {
  return testing::normal_values(model.parameters().size(), static_cast<std::uint64_t>(step), 1e-2);
}

void update(ShardedAdamW& adamw, Decoder& model, std::int64_t number) {
  AdamWStep step = kStep;
  step.step = number;
  adamw.update(model, part_of(gradient_of(model, number), adamw.part()), step);
}

/// AdamW (arXiv:1711.05101) in float64, on one parameter whose gradients are gradient_of() it.
double by_definition(double weight, const std::vector<double>& gradients, double decay) {
  double m = 0, v = 0;
  for (std::size_t t = 1; t <= gradients.size(); ++t) {
    const double g = gradients[t - 1] * kStep.gradient_scale;
    m = kStep.beta1 * m + (1 - kStep.beta1) * g;
    v = kStep.beta2 * v + (1 - kStep.beta2) * g * g;
    const double m_hat = m / (1 - std::pow(kStep.beta1, t)), v_hat = v / (1 - std::pow(kStep.beta2, t));
    weight -= kStep.learning_rate * (m_hat / (std::sqrt(v_hat) + kStep.eps) + decay * weight);
  }
  return weight;
}

TEST(ShardedAdamW, IsAdamWByDefinition) {
  Communicator& world = testing::mpi_world();
  const auto model = testing::tiny_model(1, 700);
  const std::vector<float> before(model->parameters().begin(), model->parameters().end());
  ShardedAdamW adamw(before.size(), world);
  for (const std::int64_t number : {1, 2, 3}) update(adamw, *model, number);
  std::vector<std::vector<float>> gradients;
  for (const std::int64_t number : {1, 2, 3}) gradients.push_back(gradient_of(*model, number));
  for (const ParameterTensor& tensor : model->tensors()) {
    const double decay = tensor.name.ends_with("norm.weight") ? 0.0 : kStep.weight_decay;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      const double expected =
          by_definition(before[i], {gradients[0][i], gradients[1][i], gradients[2][i]}, decay);
      ASSERT_NEAR(model->parameters()[i], expected, 2e-6) << tensor.name;
    }
  }
}

// More than a bucket: each rank's part goes in pieces.
TEST(ShardedAdamW, HasTheBitsOfOneRank) {
  Communicator& world = testing::mpi_world();
  const auto alone = make_serial_communicator();
  const auto model = testing::tiny_model(1, 60'000), whole = testing::tiny_model(1, 60'000);
  const std::size_t size = model->parameters().size();
  ASSERT_GT(size, kBucket);
  ShardedAdamW adamw(size, world), one(size, *alone);
  for (const std::int64_t number : {1, 2}) {
    update(adamw, *model, number);
    update(one, *whole, number);
    EXPECT_EQ(model->sha256(), whole->sha256());
  }
  std::vector<float> first(size), second(size);
  one.copy_moments({0, static_cast<std::int64_t>(size)}, first, second);
  const auto length = static_cast<std::size_t>(adamw.part().size());
  std::vector<float> my_first(length), my_second(length);
  adamw.copy_moments(adamw.part(), my_first, my_second);
  EXPECT_EQ(gather_values(world, my_first), first);
  EXPECT_EQ(gather_values(world, my_second), second);
}

TEST(ShardedAdamW, ARankHoldsTheMomentsOfItsPart) {
  Communicator& world = testing::mpi_world();
  const ShardedAdamW adamw(1'000'000, world);
  EXPECT_EQ(adamw.moments_held(), 2 * static_cast<std::size_t>(adamw.part().size()));
  double all = static_cast<double>(adamw.moments_held());
  world.sum({&all, 1});
  EXPECT_EQ(all, 2e6);
  EXPECT_LE(adamw.moments_held(), 2'000'000 / static_cast<std::size_t>(world.size()) + 2 * 4096);
}

TEST(ShardedAdamW, GoesOnFromMomentsOfAllParameters) {
  Communicator& world = testing::mpi_world();
  const auto model = testing::tiny_model(1, 700), resumed = testing::tiny_model(2, 700);
  const std::size_t size = model->parameters().size();
  ShardedAdamW adamw(size, world);
  update(adamw, *model, 1);
  std::vector<float> first(static_cast<std::size_t>(adamw.part().size())), second(first.size());
  adamw.copy_moments(adamw.part(), first, second);
  ShardedAdamW other(size, world);
  other.restore(gather_values(world, first), gather_values(world, second));
  std::ranges::copy(model->parameters(), resumed->parameters().begin());
  update(adamw, *model, 2);
  update(other, *resumed, 2);
  EXPECT_EQ(resumed->sha256(), model->sha256());
}

TEST(ShardedAdamW, MomentsOfOtherRanksAreRefused) {
  Communicator& world = testing::mpi_world();
  const ShardedAdamW adamw(100'000, world);
  const Range mine = adamw.part();
  std::vector<float> first(100'000), second(100'000);
  adamw.copy_moments({mine.begin + 1, mine.end - 1}, first, second);
  const auto has = " (this rank has " + std::to_string(mine.begin) + " to " + std::to_string(mine.end) + ")";
  EXPECT_THAT(
      [&] {
        adamw.copy_moments({mine.begin, mine.end + 1}, first, second);
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("to " + std::to_string(mine.end + 1) + has)));
  EXPECT_THAT(
      [&] {
        adamw.copy_moments({mine.begin - 1, mine.end}, first, second);
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr(has)));
}

}  // namespace
}  // namespace reckon
