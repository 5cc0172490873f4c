// A learner whose optimizer is sharded over the ranks, by way of the host: what each rank holds, and that the
// cut changes nothing but the order of sums over ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "gradient_reduction.h"
#include "learner.h"
#include "reckon/gpu/engine.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/learn/sft.h"
#include "small_models.h"
#include "support/mpi_world.h"

namespace reckon::gpu {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Ids = std::vector<std::uint32_t>;

constexpr std::int64_t kBlock = 4096;  // parameters are cut at multiples of it

/// A value that float32 sums of a few ranks hold exactly.
float value_of(int rank, std::int64_t i) {
  return static_cast<float>((rank + 1) * (i % 1000) - 500 * rank);
}

/// The parts of all ranks, one behind the other, on every rank.
std::vector<float> gathered(std::span<const float> mine) {
  return gather_values(reckon::testing::mpi_world(), mine);
}

// Buckets of 1,024 values; the pass completes them from behind in uneven steps, or the rank has no pass at
// all.
TEST(GradientReduction, EachRankHasTheSumOfItsPart) {
  Communicator& world = reckon::testing::mpi_world();
  const auto devices = make_staged_device_communicator(world);
  for (const std::int64_t parameters : {std::int64_t{0}, std::int64_t{1000}, 5 * kBlock + 36}) {
    cuda::OwnedStream compute;
    GradientReduction reduction(*devices, compute.get(), parameters, 1024);
    for (int round = 0; round < 2; ++round) {
      std::vector<float> values;
      for (std::int64_t i = 0; i < parameters; ++i) values.push_back(value_of(world.rank() + round, i));
      cuda::DeviceArray<float> gradients;
      gradients.upload(values, compute.get());
      reduction.begin(gradients.data());
      if (world.rank() != 1) {
        for (std::int64_t from = parameters; from > 0; from -= 700) reduction.complete_from(from);
      }
      reduction.finish();
      const std::vector<float> sums = gradients.download(compute.get());
      const Range part = parameter_part(parameters, world.rank(), world.size());
      for (std::int64_t i = part.begin; i < part.end; ++i) {
        float expected = 0;
        for (int rank = 0; rank < world.size(); ++rank) expected += value_of(rank + round, i);
        ASSERT_EQ(sums[static_cast<std::size_t>(i)], expected) << i;
      }
    }
  }
}

class Sharding : public ::testing::Test {
 protected:
  Communicator& world = reckon::testing::mpi_world();
  std::unique_ptr<DeviceCommunicator> devices = make_staged_device_communicator(world);
  const Ids prompt{1, 2, 3}, first{7, 8, 9, 0}, second{4, 0}, other_prompt{5, 6}, third{10, 11, 0};
  const std::vector<TrainSequence> sequences{
      {prompt, first}, {prompt, second}, {other_prompt, third}, {other_prompt, second}, {prompt, third}};
  const OptimizerConfig optimizer{.learning_rate = 3e-3, .weight_decay = 0.1};
  const BatchConfig batch{.leaf_sequences = 1, .micro_batch_leaves = 1};

  struct Trained {
    std::vector<float> weights, first_moment, second_moment;
    double loss = 0, grad_norm = 0;
  };
  struct Run {
    std::unique_ptr<Decoder> model = reckon::testing::small_model(ModelFamily::llama);
    Engine engine{*model, Numerics::exact};
    std::unique_ptr<Learner> learner;
    Communicator& world;

    Run(const Sharding& test, Communicator& ranks, DeviceCommunicator& gpus)
        : learner(engine.learner(test.optimizer, test.batch, ranks, gpus, 8, nullptr)), world(ranks) {}

    [[nodiscard]] Range part() const {
      return parameter_part(static_cast<std::int64_t>(model->parameters().size()), world.rank(),
                            world.size());
    }
    /// Of all parameters, on every rank.
    [[nodiscard]] Trained state(const UpdateStats& last) {
      engine.fetch_weights();
      const auto size = static_cast<std::size_t>(part().size());
      std::vector<float> m(size), v(size);
      learner->copy_moments(part(), m, v);
      return {{model->parameters().begin(), model->parameters().end()},
              gather_values(world, m),
              gather_values(world, v),
              last.loss,
              last.grad_norm};
    }
  };

  Trained train(Communicator& ranks, DeviceCommunicator& gpus, int updates = 2) {
    Run run(*this, ranks, gpus);
    UpdateStats last;
    for (int i = 0; i < updates; ++i) last = sft_update(*run.learner, sequences);
    return run.state(last);
  }
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : std::nan("");
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return largest;
}

// Alone a rank adds the five sequences' gradients in their order; several add their own, and then those of
// the ranks. AdamW's first steps are learning-rate sized whatever the gradient: where it is nearly 0 its sign
// is rounding's, so that a few values may differ by two steps.
TEST_F(Sharding, UpdatesAreThoseOfOneRankButForTheOrderOfSums) {
  const auto alone = make_serial_communicator();
  const auto alone_devices = make_serial_device_communicator();
  const Trained expected = train(*alone, *alone_devices, 1), actual = train(world, *devices, 1);
  ASSERT_EQ(actual.weights.size(), expected.weights.size());
  EXPECT_NEAR(actual.loss, expected.loss, 1e-12);
  EXPECT_NEAR(actual.grad_norm, expected.grad_norm, 1e-6 * expected.grad_norm);
  EXPECT_LT(largest_difference(actual.first_moment, expected.first_moment), 1e-6 * expected.grad_norm);
  EXPECT_LT(largest_difference(actual.second_moment, expected.second_moment), 1e-6 * expected.grad_norm);
  int apart = 0;
  for (std::size_t i = 0; i < actual.weights.size(); ++i)
    apart += std::abs(actual.weights[i] - expected.weights[i]) > 1e-5 ? 1 : 0;
  EXPECT_LT(apart, static_cast<int>(actual.weights.size() / 1000));
}

TEST_F(Sharding, ASecondRunGivesTheSameBits) {
  const Trained once = train(world, *devices), twice = train(world, *devices);
  EXPECT_EQ(once.weights, twice.weights);
  EXPECT_EQ(once.first_moment, twice.first_moment);
  EXPECT_EQ(once.grad_norm, twice.grad_norm);
  const std::vector<float> all = gathered(once.weights);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], once.weights[i % once.weights.size()]);
}

// What products read on this rank is what every rank's master weights round to: log-probs agree bit for bit.
TEST_F(Sharding, EveryRankComputesWithTheWeightsOfAll) {
  Run run(*this, world, *devices);
  for (int i = 0; i < 2; ++i) (void)sft_update(*run.learner, sequences);
  const std::vector<float> logprobs = run.learner->logprobs(sequences, 1.0f);
  run.engine.fetch_weights();
  Engine fresh(*run.model, Numerics::exact);
  const auto alone = make_serial_communicator();
  const auto alone_devices = make_serial_device_communicator();
  const auto learner = fresh.learner(optimizer, batch, *alone, *alone_devices, 8, nullptr);
  EXPECT_EQ(learner->logprobs(sequences, 1.0f), logprobs);
}

TEST_F(Sharding, ARestoredLearnerGoesOnWithTheSameBits) {
  Run run(*this, world, *devices);
  (void)sft_update(*run.learner, sequences);
  const Trained saved = run.state(sft_update(*run.learner, sequences));
  const Trained expected = run.state(sft_update(*run.learner, sequences));

  Run other(*this, world, *devices);
  std::copy(saved.weights.begin(), saved.weights.end(), other.model->parameters().begin());
  other.engine.store_weights();
  other.learner->restore(2, saved.first_moment, saved.second_moment);
  const Trained actual = other.state(sft_update(*other.learner, sequences));
  EXPECT_EQ(actual.weights, expected.weights);
  EXPECT_EQ(actual.first_moment, expected.first_moment);
  EXPECT_EQ(actual.second_moment, expected.second_moment);
}

TEST_F(Sharding, ARankHasTheMomentsOfItsPartAlone) {
  Run run(*this, world, *devices);
  const auto parameters = static_cast<std::int64_t>(run.model->parameters().size());
  std::vector<float> m(static_cast<std::size_t>(parameters)), v = m;
  if (world.size() == 1) {
    EXPECT_NO_THROW(run.learner->copy_moments({0, parameters}, m, v));
  } else {
    EXPECT_THAT(
        [&] {
          run.learner->copy_moments({0, parameters}, m, v);
        },
        ThrowsMessage<std::invalid_argument>(
            HasSubstr("GpuLearner: moments of 0 to " + std::to_string(parameters) + " (this rank has ")));
  }
}

// A skipped update after one that was applied: neither master weights nor what products read change.
TEST_F(Sharding, ASkippedUpdateLeavesNoTrace) {
  Run run(*this, world, *devices);
  const Trained before = run.state(sft_update(*run.learner, sequences));
  const std::vector<float> logprobs = run.learner->logprobs(sequences, 1.0f);
  const UpdateStats skipped =
      sft_update(*run.learner, sequences, [](const UpdateStats&) { return UpdateDecision::skip; });
  EXPECT_FALSE(skipped.applied);
  EXPECT_EQ(run.state(skipped).weights, before.weights);
  EXPECT_EQ(run.learner->logprobs(sequences, 1.0f), logprobs);
}

}  // namespace
}  // namespace reckon::gpu
