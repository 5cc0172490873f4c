// The gradient of the whole model, through PolicyPass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reckon/base/error.h"
#include "reckon/learn/learner.h"
#include "reckon/learn/sft.h"
#include "support/numbers.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

struct Batch {
  Ids prompts[3] = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9}};
  Ids completions[3] = {{7, 7, 0}, {10, 9, 8, 3, 2, 1}, {0}};
  std::vector<TrainSequence> sequences() const {
    return {{prompts[0], completions[0]}, {prompts[1], completions[1]}, {prompts[2], completions[2]}};
  }
};

TEST(PolicyPass, GradientMatchesFiniteDifferencesForEveryTensor) {
  for (const bool tied : {true, false}) {
    const auto model = testing::tiny_model(1, 11, tied);
    const Batch batch;
    PolicyPass pass(*model);
    const float temperature = 0.8f;
    pass.forward(batch.sequences(), temperature, true);
    const std::vector<float> coef = testing::normal_values(pass.logprob().size(), 5);
    const auto loss = [&] {
      model->repack();
      PolicyPass other(*model);
      other.forward(batch.sequences(), temperature, false);
      return testing::dot(other.logprob(), coef);
    };
    std::vector<float> gradient(model->parameters().size());
    pass.backward(coef, gradient);
    for (const ParameterTensor& tensor : model->tensors()) {
      double largest = 0;
      for (std::size_t i = 0; i < tensor.size; i += std::max<std::size_t>(1, tensor.size / 12)) {
        float& value = model->parameters()[tensor.offset + i];
        const float kept = value;
        value = kept + 4e-3f;
        const double above = loss();
        value = kept - 4e-3f;
        const double below = loss();
        value = kept;
        // float32 losses of size 10 over a step of 8e-3 leave 1e-4 of rounding; the curvature adds as much.
        ASSERT_NEAR(gradient[tensor.offset + i], (above - below) / 8e-3, 4e-3) << tensor.name << " " << i;
        largest = std::max(largest, std::abs(static_cast<double>(gradient[tensor.offset + i])));
      }
      EXPECT_GT(largest, 1e-4) << tensor.name << ": a gradient of zero would pass the comparison";
    }
  }
}

TEST(PolicyPass, PackedEqualsAloneBitForBit) {
  const auto model = testing::tiny_model(2);
  const Batch batch;
  PolicyPass packed(*model), alone(*model);
  const auto sequences = batch.sequences();
  packed.forward(sequences, 1.0f, false);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    alone.forward({&sequences[s], 1}, 1.0f, false);
    const auto part =
        packed.logprob().subspan(packed.offsets()[s], packed.offsets()[s + 1] - packed.offsets()[s]);
    ASSERT_EQ(part.size(), alone.logprob().size());
    EXPECT_EQ(std::memcmp(part.data(), alone.logprob().data(), part.size_bytes()), 0);
  }
}

TEST(PolicyPass, RefusesWhatHasNoTokens) {
  const auto model = testing::tiny_model(2);
  PolicyPass pass(*model);
  const Ids some{1};
  const TrainSequence empty{some, {}};
  EXPECT_THROW(pass.forward({&empty, 1}, 1.0f, false), std::invalid_argument);
}

TEST(Learner, TheGradientDoesNotDependOnTheMicroBatch) {
  const Batch batch;
  std::vector<double> norms;
  std::vector<double> losses;
  for (const std::int64_t size : {1, 2, 3, 8}) {
    const auto model = testing::tiny_model(3);
    const auto world = make_serial_communicator();
    Learner learner(*model, {}, {.leaf_sequences = size, .micro_batch_leaves = 1}, *world, 10);
    const UpdateStats stats = sft_update(learner, batch.sequences());
    norms.push_back(stats.grad_norm);
    losses.push_back(stats.loss);
  }
  for (std::size_t i = 1; i < norms.size(); ++i) {
    EXPECT_NEAR(norms[i], norms[0], 1e-6 * norms[0]);
    EXPECT_NEAR(losses[i], losses[0], 1e-6 * losses[0]);
  }
}

TEST(Learner, LearnsAFixedBatchByHeart) {
  const auto model = testing::tiny_model(4, 11, true, 0.05);
  const auto world = make_serial_communicator();
  OptimizerConfig config;
  config.learning_rate = 2e-2;
  Learner learner(*model, config, {}, *world, 60);
  const Batch batch;
  const double first = sft_update(learner, batch.sequences()).loss;
  double last = 0;
  for (int i = 0; i < 59; ++i) last = sft_update(learner, batch.sequences()).loss;
  EXPECT_GT(first, 2.0);  // log 11 is 2.4
  EXPECT_LT(last, 0.05);
}

TEST(Learner, ANonFiniteLossStopsBeforeTheWeightsChange) {
  const auto model = testing::tiny_model(5);
  const auto world = make_serial_communicator();
  Learner learner(*model, {}, {}, *world, 10);
  const std::string before = model->sha256();
  const Batch batch;
  const auto broken = [](std::size_t, const PolicyPass&, std::span<float> coef) {
    std::fill(coef.begin(), coef.end(), std::nanf(""));
    return UpdateStats{};
  };
  try {
    learner.update(batch.sequences(), 1.0f, broken);
    FAIL() << "took a gradient that is not a number";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::internal);
    EXPECT_NE(std::string(error.what()).find("gradient norm nan"), std::string::npos) << error.what();
  }
  EXPECT_EQ(model->sha256(), before);
}

TEST(LearningRate, WarmsUpAndFollowsHalfACosine) {
  OptimizerConfig config;
  config.learning_rate = 1.0;
  config.warmup_fraction = 0.2;
  config.final_learning_rate_fraction = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 0, 10), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 1, 10), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 2, 10), 1.0);
  EXPECT_NEAR(learning_rate_at(config, 6, 10), 0.55, 1e-12);  // half way down
  EXPECT_NEAR(learning_rate_at(config, 10, 10), 0.1, 1e-12);
}

}  // namespace
}  // namespace reckon
