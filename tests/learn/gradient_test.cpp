// The gradient of the whole model, through PolicyPass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/sft.h"
#include "support/model_gradient.h"
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

/// The small model of a family with every bias that it can have.
std::unique_ptr<Decoder> model_of(ModelFamily family, bool tied) {
  DecoderConfig config = testing::tiny_config(11, tied);
  config.family = family;
  config.qk_norm = family == ModelFamily::qwen3;
  config.qkv_bias = true;
  config.out_bias = family != ModelFamily::qwen2;
  config.mlp_bias = family == ModelFamily::llama;
  auto model = std::make_unique<Decoder>(config);
  model->initialise(1, 0.3);
  RandomStream random(3, 4);
  for (const ParameterTensor& tensor : model->tensors()) {
    if (tensor.kind == ParameterKind::matrix) continue;
    for (float& value : model->parameters().subspan(tensor.offset, tensor.size)) {
      value += static_cast<float>(0.3 * random.normal());
    }
  }
  model->repack();
  return model;
}

void check_gradient(Decoder& model) {
  const Batch batch;
  PolicyPass pass(model);
  const float temperature = 0.8f;
  pass.forward(batch.sequences(), temperature, Keep::layers);
  const std::vector<float> coef = testing::normal_values(pass.leaf(0).logprob.size(), 5);
  const auto loss = [&] {
    PolicyPass other(model);
    other.forward(batch.sequences(), temperature, Keep::nothing);
    return testing::dot(other.leaf(0).logprob, coef);
  };
  std::vector<float> gradient(model.parameters().size());
  pass.backward(0, coef, gradient);
  testing::expect_model_gradient(model, gradient, loss, 12, 4e-3);
}

TEST(PolicyPass, GradientMatchesFiniteDifferencesForEveryTensor) {
  for (const bool tied : {true, false}) check_gradient(*testing::tiny_model(1, 11, tied));
}

TEST(PolicyPass, GradientMatchesFiniteDifferencesInEveryFamily) {
  for (const ModelFamily family : {ModelFamily::qwen2, ModelFamily::qwen3, ModelFamily::llama}) {
    const auto model = model_of(family, family == ModelFamily::llama);
    check_gradient(*model);
  }
}

// 300 targets take two chunks of the head; a chunk must give what the whole gives, and so must its gradient.
TEST(PolicyPass, ChunksOfTheHeadDoNotShow) {
  DecoderConfig config = testing::tiny_config();
  config.max_position_embeddings = 512;
  Decoder model(config);
  model.initialise(6, 0.3);
  const Ids prompt{1, 2};
  Ids completion;
  for (std::uint32_t i = 0; i < 300; ++i) completion.push_back(i * i % 11);
  const TrainSequence whole{prompt, completion};
  PolicyPass pass(model);
  pass.forward({&whole, 1}, 1.0f, Keep::layers);
  ASSERT_EQ(pass.leaf(0).logprob.size(), 300u);
  const std::vector<float> coef = testing::normal_values(300, 5);
  std::vector<float> gradient(model.parameters().size());
  pass.backward(0, coef, gradient);
  // The same token predicted behind the same prefix, in a pass of one chunk.
  for (const std::size_t length : {1u, 255u, 256u, 257u}) {
    const TrainSequence part{prompt, std::span(completion).first(length)};
    PolicyPass alone(model);
    alone.forward({&part, 1}, 1.0f, Keep::nothing);
    EXPECT_EQ(std::memcmp(alone.leaf(0).logprob.data(), pass.leaf(0).logprob.data(), length * sizeof(float)),
              0);
    EXPECT_EQ(std::memcmp(alone.leaf(0).entropy.data(), pass.leaf(0).entropy.data(), length * sizeof(float)),
              0);
  }
  // One value of a tensor of each kind by finite differences.
  for (const std::size_t tensor : {std::size_t{0}, std::size_t{2}, model.tensors().size() - 1}) {
    float& value = model.parameters()[model.tensors()[tensor].offset + 5];
    const float kept = value;
    double loss[2];
    for (const int side : {0, 1}) {
      value = kept + (side == 0 ? -1e-3f : 1e-3f);
      model.repack();
      PolicyPass other(model);
      other.forward({&whole, 1}, 1.0f, Keep::nothing);
      loss[side] = testing::dot(other.leaf(0).logprob, coef);
    }
    value = kept;
    const double expected = (loss[1] - loss[0]) / 2e-3;
    // Losses near 30 in float32 sums of float64: 1e-5 each over 2e-3.
    EXPECT_NEAR(gradient[model.tensors()[tensor].offset + 5], expected, 1e-2 + 0.01 * std::abs(expected));
  }
}

TEST(PolicyPass, RowsOfTheHeadBeyondTheVocabularyHaveNoProbability) {
  const auto model = testing::tiny_model(2, 11, false);
  const Ids prompt{1, 2, 3}, completion{4, 5, 0};
  const TrainSequence sequence{prompt, completion};
  model->limit_vocabulary(8);
  PolicyPass pass(*model);
  pass.forward({&sequence, 1}, 1.0f, Keep::layers);
  // By hand: the log-probs of all 8 tokens at one place sum to probability 1.
  double total = 0;
  for (std::uint32_t last = 0; last < 8; ++last) {
    const Ids other{4, 5, last};
    const TrainSequence one{prompt, other};
    PolicyPass each(*model);
    each.forward({&one, 1}, 1.0f, Keep::nothing);
    total += std::exp(static_cast<double>(each.leaf(0).logprob[2]));
  }
  EXPECT_NEAR(total, 1.0, 1e-6);
  std::vector<float> gradient(model->parameters().size());
  const std::vector<float> coef{1.0f, -2.0f, 0.5f};
  pass.backward(0, coef, gradient);
  const ParameterTensor& head = model->tensors().back();
  ASSERT_EQ(head.name, "lm_head.weight");
  double inside = 0;
  for (std::size_t i = 0; i < head.size; ++i) {
    const float value = gradient[head.offset + i];
    if (i / 24 < 8) {
      inside += std::abs(value);
    } else {
      EXPECT_EQ(value, 0.0f) << "row " << i / 24;
    }
  }
  EXPECT_GT(inside, 0.1);
  const Ids outside{9};
  const TrainSequence wrong{prompt, outside};
  EXPECT_THROW(pass.forward({&wrong, 1}, 1.0f, Keep::nothing), std::invalid_argument);
  EXPECT_THROW(model->limit_vocabulary(12), std::invalid_argument);
}

TEST(PolicyPass, PackedEqualsAloneBitForBit) {
  const auto model = testing::tiny_model(2);
  const Batch batch;
  PolicyPass packed(*model), alone(*model);
  const auto sequences = batch.sequences();
  packed.forward(sequences, 1.0f, Keep::nothing);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    alone.forward({&sequences[s], 1}, 1.0f, Keep::nothing);
    const auto part = packed.leaf(0).logprob.subspan(
        packed.leaf(0).offsets[s], packed.leaf(0).offsets[s + 1] - packed.leaf(0).offsets[s]);
    ASSERT_EQ(part.size(), alone.leaf(0).logprob.size());
    EXPECT_EQ(std::memcmp(part.data(), alone.leaf(0).logprob.data(), part.size_bytes()), 0);
  }
}

TEST(PolicyPass, RefusesWhatHasNoTokens) {
  const auto model = testing::tiny_model(2);
  PolicyPass pass(*model);
  const Ids some{1};
  const TrainSequence empty{some, {}};
  EXPECT_THROW(pass.forward({&empty, 1}, 1.0f, Keep::nothing), std::invalid_argument);
}

TEST(Learner, TheGradientDoesNotDependOnTheMicroBatch) {
  const Batch batch;
  std::vector<double> norms;
  std::vector<double> losses;
  for (const std::int64_t size : {1, 2, 3, 8}) {
    const auto model = testing::tiny_model(3);
    const auto world = make_serial_communicator();
    CpuLearner learner(*model, {}, {.leaf_sequences = size, .micro_batch_leaves = 1}, *world, 10);
    const UpdateStats stats = sft_update(learner, batch.sequences());
    norms.push_back(stats.grad_norm);
    losses.push_back(stats.loss);
  }
  for (std::size_t i = 1; i < norms.size(); ++i) {
    EXPECT_NEAR(norms[i], norms[0], 1e-6 * norms[0]);
    EXPECT_NEAR(losses[i], losses[0], 1e-6 * losses[0]);
  }
}

TEST(SftUpdate, TheLossIsTheMeanOverTheTokensOfAllSequences) {
  const auto model = testing::tiny_model(3);
  const auto world = make_serial_communicator();
  const Batch batch;
  double sum = 0;
  for (const TrainSequence& sequence : batch.sequences()) {
    PolicyPass alone(*model);
    alone.forward({&sequence, 1}, 1.0f, Keep::nothing);
    for (const float logprob : alone.leaf(0).logprob) sum -= logprob;
  }
  CpuLearner learner(*model, {}, {.leaf_sequences = 2}, *world, 10);
  const UpdateStats stats = sft_update(learner, batch.sequences());
  EXPECT_NEAR(stats.loss, sum / 10, 1e-12);  // 3 + 6 + 1 tokens
  EXPECT_EQ(stats.tokens, 10);
  EXPECT_EQ(learner.updates(), 1);
}

TEST(Learner, LearnsAFixedBatchByHeart) {
  const auto model = testing::tiny_model(4, 11, true, 0.05);
  const auto world = make_serial_communicator();
  OptimizerConfig config;
  config.learning_rate = 2e-2;
  CpuLearner learner(*model, config, {}, *world, 60);
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
  CpuLearner learner(*model, {}, {}, *world, 10);
  const std::string before = model->sha256();
  const Batch batch;
  // Of the second the loss, some 1e300 in float64, is a number, and its float32 gradient is not.
  for (const double weight : {std::nan(""), 1e300}) {
    const std::vector<SequenceTerms> terms(3, {.weight = weight});
    bool is_asked = false;
    const auto gate = [&](const UpdateStats&) {
      is_asked = true;
      return UpdateDecision::apply;
    };
    try {
      learner.update(batch.sequences(), {.kind = LossKind::cross_entropy, .terms = terms}, 1.0f, gate);
      FAIL() << "took a gradient that is not a number";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
      EXPECT_EQ(std::string(error.what()).starts_with("update 0: loss nan"), std::isnan(weight));
      EXPECT_NE(std::string(error.what()).find("gradient norm nan"), std::string::npos) << error.what();
    }
    EXPECT_FALSE(is_asked) << "a gate sees finite numbers only";
    EXPECT_EQ(model->sha256(), before);
    EXPECT_EQ(learner.updates(), 0);
  }
}

// What follows a skipped update is what would have been without it: weights, moments and count are as they
// were.
TEST(Learner, ASkippedUpdateLeavesNoTrace) {
  const Batch batch;
  const auto world = make_serial_communicator();
  const auto train = [&](bool with_skip) {
    const auto model = testing::tiny_model(5);
    CpuLearner learner(*model, {.learning_rate = 1e-2}, {}, *world, 10);
    (void)sft_update(learner, batch.sequences());
    if (with_skip) {
      double seen = 0;
      const std::vector<TrainSequence> part(1, batch.sequences().front());
      const UpdateStats skipped = sft_update(learner, part, [&](const UpdateStats& stats) {
        seen = stats.grad_norm;
        return UpdateDecision::skip;
      });
      EXPECT_GT(seen, 0);
      EXPECT_EQ(skipped.grad_norm, seen);
      EXPECT_FALSE(skipped.applied);
      EXPECT_EQ(learner.updates(), 1);
    }
    const UpdateStats applied = sft_update(learner, batch.sequences());
    EXPECT_TRUE(applied.applied);
    EXPECT_EQ(learner.updates(), 2);
    return model->sha256();
  };
  EXPECT_EQ(train(true), train(false));
}

TEST(Learner, RefusesTermsThatAreNotThoseOfTheSequences) {
  const auto model = testing::tiny_model(5);
  const auto world = make_serial_communicator();
  CpuLearner learner(*model, {}, {}, *world, 10);
  const Batch batch;
  const auto error_of = [&](const UpdateLoss& loss) -> std::string {
    try {
      (void)learner.measure(batch.sequences(), loss, 1.0f);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::vector<float> values(6, -1.0f);
  std::vector<SequenceTerms> terms(2);
  EXPECT_EQ(error_of({.kind = LossKind::cross_entropy, .terms = terms}),
            "UpdateLoss: terms of 2 sequences (3 are given)");
  terms.resize(3);
  EXPECT_EQ(error_of({.kind = LossKind::cross_entropy, .terms = terms}), "accepted");
  for (std::size_t s = 0; s < 3; ++s)
    terms[s].sampler_logprob = std::span(values).first(batch.completions[s].size());
  UpdateLoss loss{.kind = LossKind::policy, .terms = terms};
  EXPECT_EQ(error_of(loss), "accepted");
  loss.config.kl_coef = 0.25;
  EXPECT_EQ(error_of(loss), "CpuLearner: kl_coef 0.250000 without a reference model");
  terms[2].old_logprob = std::span(values).first(2);
  EXPECT_EQ(error_of(loss), "UpdateLoss: sequence 2 has 2 of old_logprob for 1 completion tokens");
  terms[1].sampler_logprob = std::span(values).first(5);
  EXPECT_EQ(error_of(loss), "UpdateLoss: sequence 1 has 5 of sampler_logprob for 6 completion tokens");
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

TEST(GradientScale, BringsTheNormDownToTheLimit) {
  OptimizerConfig config;
  config.max_grad_norm = 2.0;
  EXPECT_EQ(gradient_scale(config, 8.0), 0.25);
  EXPECT_EQ(gradient_scale(config, 1.0), 1.0);
  config.max_grad_norm = 0;  // does not clip
  EXPECT_EQ(gradient_scale(config, 8.0), 1.0);
}

}  // namespace
}  // namespace reckon
