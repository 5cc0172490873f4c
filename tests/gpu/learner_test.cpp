// Updates on a GPU: what they change, what they refuse, and what changes no bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "reckon/base/error.h"
#include "reckon/gpu/engine.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/sft.h"
#include "small_models.h"

namespace reckon::gpu {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Ids = std::vector<std::uint32_t>;

class GpuLearning : public ::testing::Test {
 protected:
  const Ids prompt{1, 2, 3}, first{7, 8, 9, 0}, second{4, 0}, other_prompt{5, 6}, third{10, 11, 0};
  const std::vector<TrainSequence> sequences{{prompt, first}, {prompt, second}, {other_prompt, third}};
  const OptimizerConfig optimizer{.learning_rate = 3e-3};
  std::unique_ptr<Communicator> world = make_serial_communicator();
  std::unique_ptr<DeviceCommunicator> devices = make_serial_device_communicator();

  /// Weights after three updates of cross-entropy.
  [[nodiscard]] std::vector<float> weights_after(const BatchConfig& batch,
                                                 Numerics numerics = Numerics::exact) {
    const auto model = testing::small_model(ModelFamily::qwen3);
    Engine engine(*model, numerics);
    const auto learner = engine.learner(optimizer, batch, *world, *devices, 8, nullptr);
    for (int i = 0; i < 3; ++i) (void)sft_update(*learner, sequences);
    engine.fetch_weights();
    return {model->parameters().begin(), model->parameters().end()};
  }
};

TEST_F(GpuLearning, LearnsWhatItIsShownAsTheCpuDoes) {
  const auto model = testing::small_model(ModelFamily::qwen2);
  const auto on_cpu = testing::small_model(ModelFamily::qwen2);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner(optimizer, {}, *world, *devices, 20, nullptr);
  CpuLearner cpu(*on_cpu, optimizer, {}, *world, 20);
  double last_loss = 0;
  for (int i = 0; i < 20; ++i) {
    const UpdateStats stats = sft_update(*learner, sequences);
    const UpdateStats expected = sft_update(cpu, sequences);
    EXPECT_NEAR(stats.loss, expected.loss, 0.03 + 0.05 * expected.loss) << "update " << i;
    EXPECT_EQ(stats.tokens, 9);
    EXPECT_EQ(stats.rows, expected.rows);
    EXPECT_DOUBLE_EQ(stats.learning_rate, expected.learning_rate);
    last_loss = stats.loss;
  }
  EXPECT_LT(last_loss, 0.3);
}

TEST_F(GpuLearning, RecomputingLayersChangesNoBit) {
  EXPECT_EQ(weights_after({.recompute = true}), weights_after({}));
  EXPECT_EQ(weights_after({.recompute = true}, Numerics::fast), weights_after({}, Numerics::fast));
}

TEST_F(GpuLearning, ASecondRunGivesTheSameBits) {
  EXPECT_EQ(weights_after({.leaf_sequences = 2}), weights_after({.leaf_sequences = 2}));
}

TEST_F(GpuLearning, TheSamplerSeesTheWeightsOfTheLastUpdate) {
  const auto model = testing::small_model(ModelFamily::qwen3);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner({.learning_rate = 2e-2}, {}, *world, *devices, 30, nullptr);
  Sampler sampler(engine.sampling_backend());
  for (int i = 0; i < 30; ++i) (void)sft_update(*learner, {&sequences[2], 1});
  const SampleRequest request{other_prompt, {.seed = 3}};
  const SampleOptions greedy{.max_new_tokens = 8, .decoding = Decoding::greedy};
  EXPECT_EQ(sampler.generate({&request, 1}, greedy).front().token_ids, third);
}

TEST_F(GpuLearning, MeasuringChangesNothingAndAgreesWithAnUpdate) {
  const auto model = testing::small_model(ModelFamily::qwen3);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner(optimizer, {.leaf_sequences = 2}, *world, *devices, 8, nullptr);
  const std::vector<float> logprobs = learner->logprobs(sequences, 1.0f);
  ASSERT_EQ(logprobs.size(), 9u);
  const std::span<const float> all = logprobs;
  const std::vector<SequenceTerms> terms{
      {.sampler_logprob = all.subspan(0, 4), .advantage = 1, .weight = 0.1},
      {.sampler_logprob = all.subspan(4, 2), .advantage = -1, .weight = 0.1},
      {.sampler_logprob = all.subspan(6, 3), .advantage = 0.5, .weight = 0.1}};
  const UpdateLoss loss{.kind = LossKind::policy, .terms = terms};
  const UpdateStats measured = learner->measure(sequences, loss, 1.0f);
  EXPECT_EQ(measured.max_logprob_diff, 0);
  EXPECT_DOUBLE_EQ(measured.ratio, 9);
  EXPECT_EQ(learner->logprobs(sequences, 1.0f), logprobs);
  const UpdateStats updated = learner->update(sequences, loss, 1.0f, {});
  EXPECT_DOUBLE_EQ(updated.loss, measured.loss);
  EXPECT_DOUBLE_EQ(updated.entropy, measured.entropy);
  EXPECT_EQ(updated.max_logprob_diff, 0);
  EXPECT_NE(learner->logprobs(sequences, 1.0f), logprobs);
}

TEST_F(GpuLearning, AGateThatThrowsLeavesTheWeights) {
  const auto model = testing::small_model(ModelFamily::qwen3);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner(optimizer, {}, *world, *devices, 8, nullptr);
  const std::vector<float> before = learner->logprobs(sequences, 1.0f);
  std::vector<SequenceTerms> terms(3, {.weight = 0.1});
  const UpdateLoss loss{.kind = LossKind::cross_entropy, .terms = terms};
  const UpdateGate refuse = [](const UpdateStats&) -> UpdateDecision { throw std::runtime_error("no"); };
  EXPECT_THROW(learner->update(sequences, loss, 1.0f, refuse), std::runtime_error);
  EXPECT_EQ(learner->logprobs(sequences, 1.0f), before);
  EXPECT_EQ(learner->updates(), 0);
}

// What follows a skipped update is what would have been without it: weights, moments and count are as they
// were.
TEST_F(GpuLearning, ASkippedUpdateLeavesNoTrace) {
  const auto skip = [](const UpdateStats&) { return UpdateDecision::skip; };
  const auto train = [&](bool with_skip) {
    const auto model = testing::small_model(ModelFamily::qwen3);
    Engine engine(*model, Numerics::exact);
    const auto learner = engine.learner(optimizer, {}, *world, *devices, 8, nullptr);
    (void)sft_update(*learner, sequences);
    if (with_skip) {
      const UpdateStats skipped = sft_update(*learner, {sequences.data(), 2}, skip);
      EXPECT_FALSE(skipped.applied);
      EXPECT_GT(skipped.grad_norm, 0);
      EXPECT_EQ(learner->updates(), 1);
    }
    EXPECT_TRUE(sft_update(*learner, sequences).applied);
    engine.fetch_weights();
    return std::vector<float>(model->parameters().begin(), model->parameters().end());
  };
  EXPECT_EQ(train(true), train(false));
}

TEST_F(GpuLearning, ANonFiniteGradientLeavesTheWeights) {
  const auto model = testing::small_model(ModelFamily::qwen3);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner(optimizer, {}, *world, *devices, 8, nullptr);
  const std::vector<float> before = learner->logprobs(sequences, 1.0f);
  std::vector<SequenceTerms> terms(3, {.weight = 0.1});
  terms[1].weight = std::numeric_limits<double>::infinity();
  const UpdateLoss loss{.kind = LossKind::cross_entropy, .terms = terms};
  EXPECT_THAT([&] { (void)learner->update(sequences, loss, 1.0f, {}); },
              ThrowsMessage<Error>(HasSubstr("Nothing was changed")));
  EXPECT_EQ(learner->logprobs(sequences, 1.0f), before);
}

TEST_F(GpuLearning, RefusesALossThatNeedsAReferenceWithoutOne) {
  const auto model = testing::small_model(ModelFamily::qwen3);
  Engine engine(*model, Numerics::exact);
  const auto learner = engine.learner(optimizer, {}, *world, *devices, 8, nullptr);
  const std::vector<float> sampler(9, -1.0f);
  const std::span<const float> all = sampler;
  const std::vector<SequenceTerms> terms{{.sampler_logprob = all.first(4)},
                                         {.sampler_logprob = all.first(2)},
                                         {.sampler_logprob = all.first(3)}};
  EXPECT_THAT(
      [&] { (void)learner->update(sequences, {.config = {.kl_coef = 0.1}, .terms = terms}, 1.0f, {}); },
      ThrowsMessage<std::invalid_argument>(HasSubstr("without a reference model")));
}

// The table of rotations is made for 4,096 positions at first.
TEST_F(GpuLearning, AReferenceModelTakesLongSequencesToo) {
  DecoderConfig config = testing::small_config(ModelFamily::qwen3);
  config.max_position_embeddings = 5000;
  config.num_hidden_layers = 1;
  Decoder model(config);
  model.initialise(3, 0.2);
  Engine engine(model, Numerics::fast);
  const auto learner = engine.learner(optimizer, {}, *world, *devices, 8, &model);
  Ids long_prompt(4100, 3);
  for (std::size_t i = 0; i < long_prompt.size(); ++i)
    long_prompt[i] = static_cast<std::uint32_t>(i * 7 % 45);
  const TrainSequence sequence{long_prompt, second};
  const std::vector<float> logprobs = learner->logprobs({&sequence, 1}, 1.0f);
  const SequenceTerms terms{.sampler_logprob = logprobs, .advantage = 1, .weight = 0.5};
  const UpdateStats stats =
      learner->measure({&sequence, 1}, {.config = {.kl_coef = 0.1}, .terms = {&terms, 1}}, 1.0f);
  EXPECT_EQ(stats.kl, 0);  // of the policy and itself
}

TEST(GpuFingerprint, IsTheSameTwiceAndAnotherForOtherNumerics) {
  const std::string exact = numerics_fingerprint(Numerics::exact);
  EXPECT_EQ(exact.size(), 64u);
  EXPECT_EQ(numerics_fingerprint(Numerics::exact), exact);
  EXPECT_NE(numerics_fingerprint(Numerics::fast), exact);
}

}  // namespace
}  // namespace reckon::gpu
