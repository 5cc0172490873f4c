#include "app/engine.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reckon/base/error.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/learn/sft.h"
#include "reckon/rollout/sampler.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

class EngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Communicator> world = make_serial_communicator();
  std::unique_ptr<Decoder> decoder = testing::tiny_model(1, 11, true, 0.2);
  std::unique_ptr<Engine> engine = make_engine({}, *decoder, *world);
  const Ids prompt{1, 2, 3}, completion{7, 7, 5, 0};
  const TrainSequence sequence{prompt, completion};
  OptimizerConfig optimizer{.learning_rate = 1e-2};

  [[nodiscard]] std::vector<float> logprobs_of(const Decoder& model) const {
    PolicyPass pass(model);
    pass.forward({&sequence, 1}, 1.0f, Keep::nothing);
    const std::span<const float> values = pass.leaf(0).logprob;
    return {values.begin(), values.end()};
  }
};

TEST_F(EngineTest, SamplerLearnerAndHostHaveTheWeightsThatWereLearnt) {
  const auto learner = engine->learner(optimizer, {}, 4, Reference::none);
  Sampler sampler(engine->sampling_backend());
  const std::vector<float> before = learner->logprobs({&sequence, 1}, 1.0f);
  (void)sft_update(*learner, {&sequence, 1});
  const std::vector<float> after = learner->logprobs({&sequence, 1}, 1.0f);
  EXPECT_GT(after[0], before[0]);
  engine->fetch_weights();
  EXPECT_EQ(logprobs_of(engine->decoder()), after);
  const SampleRequest request{prompt, {.seed = 3}};
  const Sample sample = sampler.generate({&request, 1}, {.max_new_tokens = 8}).front();
  const TrainSequence sampled{prompt, sample.token_ids};
  EXPECT_EQ(learner->logprobs({&sampled, 1}, 1.0f), sample.logprob);
}

// k3 of the tokens, worked from the log-probs before and after.
TEST_F(EngineTest, TheReferenceKeepsTheWeightsOfWhenTheLearnerWasMade) {
  (void)sft_update(*engine->learner(optimizer, {}, 4, Reference::none), {&sequence, 1});
  const std::vector<float> reference = logprobs_of(*decoder);
  const auto learner = engine->learner(optimizer, {}, 4, Reference::weights_now);
  const std::vector<SequenceTerms> terms{{.sampler_logprob = reference}};
  UpdateLoss loss{.kind = LossKind::policy, .terms = terms};
  loss.config.kl_coef = 0.1;
  EXPECT_EQ(learner->measure({&sequence, 1}, loss, 1.0f).kl, 0.0);
  (void)sft_update(*learner, {&sequence, 1});
  const std::vector<float> policy = logprobs_of(*decoder);
  double expected = 0;
  for (std::size_t t = 0; t < policy.size(); ++t) {
    const double d = static_cast<double>(reference[t]) - policy[t];
    expected += std::exp(d) - d - 1.0;
  }
  EXPECT_GT(expected, 1e-3);
  EXPECT_DOUBLE_EQ(learner->measure({&sequence, 1}, loss, 1.0f).kl, expected);
}

}  // namespace
}  // namespace reckon
