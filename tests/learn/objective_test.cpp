#include "reckon/learn/objective.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "support/paths.h"

namespace reckon {
namespace {

using nlohmann::json;

TEST(PolicyObjective, MatchesHandWorkedTokens) {
  // Ratios 1, 1.5 and 0.5 with A = 1 and clip 0.2: min picks 1, 1.2 (clipped) and 0.5. Weight 1/3.
  const std::vector<double> sampler{-1.0, -1.0, -1.0};
  const std::vector<double> policy{-1.0, -1.0 + std::log(1.5), -1.0 + std::log(0.5)};
  std::vector<double> coef(3);
  LossConfig config;
  ObjectiveSums sums = policy_objective({policy, sampler, {}, 1.0}, config, 1.0 / 3, coef);
  EXPECT_NEAR(sums.loss, -(1.0 + 1.2 + 0.5) / 3, 1e-12);
  EXPECT_NEAR(coef[0], -1.0 / 3, 1e-12);
  EXPECT_EQ(coef[1], 0.0);  // constant where it is clipped
  EXPECT_NEAR(coef[2], -0.5 / 3, 1e-12);
  EXPECT_EQ(sums.clipped, 1);
  EXPECT_NEAR(sums.max_logprob_diff, std::log(2.0), 1e-12);
  // A = -1: min of (-1.5, -1.2) is the unclipped one, min of (-0.5, -0.8) the clipped.
  sums = policy_objective({policy, sampler, {}, -1.0}, config, 1.0 / 3, coef);
  EXPECT_NEAR(sums.loss, (1.0 + 1.5 + 0.8) / 3, 1e-12);
  EXPECT_NEAR(coef[1], 1.5 / 3, 1e-12);
  EXPECT_EQ(coef[2], 0.0);
}

TEST(PolicyObjective, KlIsK3OfDeepSeekMath) {  // d = ln 2: 2 - ln 2 - 1
  const std::vector<double> policy{-1.0 - std::log(2.0)};
  const std::vector<double> reference{-1.0};
  std::vector<double> coef(1);
  LossConfig config;
  config.kl_coef = 0.1;
  const ObjectiveSums sums = policy_objective({policy, policy, reference, 0.0}, config, 1.0, coef);
  EXPECT_NEAR(sums.kl, 1.0 - std::log(2.0), 1e-12);
  EXPECT_NEAR(sums.loss, 0.1 * (1.0 - std::log(2.0)), 1e-12);
  EXPECT_NEAR(coef[0], 0.1 * (1.0 - 2.0), 1e-12);
}

TEST(PolicyObjective, GradientMatchesFiniteDifferences) {
  LossConfig config;
  config.clip_eps_high = 0.28;
  config.kl_coef = 0.04;
  const std::vector<double> sampler{-0.5, -1.2, -0.3, -2.0};
  const std::vector<double> reference{-0.7, -1.0, -0.3, -2.5};
  std::vector<double> policy{-0.45, -1.5, -0.9, -1.6};
  for (const double advantage : {1.3, -0.7, 0.0}) {
    std::vector<double> coef(4), unused(4);
    (void)policy_objective({policy, sampler, reference, advantage}, config, 0.25, coef);
    for (std::size_t i = 0; i < policy.size(); ++i) {
      const double kept = policy[i];
      policy[i] = kept + 1e-6;
      const double above =
          policy_objective({policy, sampler, reference, advantage}, config, 0.25, unused).loss;
      policy[i] = kept - 1e-6;
      const double below =
          policy_objective({policy, sampler, reference, advantage}, config, 0.25, unused).loss;
      policy[i] = kept;
      EXPECT_NEAR(coef[i], (above - below) / 2e-6, 1e-8);
    }
  }
}

TEST(PolicyObjective, ANonFiniteDifferenceIsSeen) {
  const std::vector<double> policy{-1.5, std::nan(""), -1.0}, sampler{-1.0, -1.0, -1.5};
  std::vector<double> coef(3);
  EXPECT_TRUE(std::isnan(policy_objective({policy, sampler, {}, 1.0}, {}, 1.0, coef).max_logprob_diff));
}

TEST(TokenWeight, MatchesHandWorkedShares) {
  const LossDenominators denominators{.tokens = 100, .sequences = 4, .max_new_tokens = 50};
  EXPECT_DOUBLE_EQ(token_weight(LossNormalise::token, denominators, 10), 0.01);
  EXPECT_DOUBLE_EQ(token_weight(LossNormalise::sequence, denominators, 10), 1.0 / 40);
  EXPECT_DOUBLE_EQ(token_weight(LossNormalise::constant, denominators, 10), 1.0 / 200);
}

/// The form of TRL's loss that ours has, or nothing.
const LossNormalise* our_form(const json& settings) {
  static const LossNormalise token = LossNormalise::token, sequence = LossNormalise::sequence,
                             constant = LossNormalise::constant;
  if (settings["importance_sampling_level"] != "token" || !settings["delta"].is_null()) return nullptr;
  if (settings["use_bias_correction_kl"] == true && settings["beta"] != 0.0) return nullptr;
  if (settings.contains("off_policy_mask_threshold")) return nullptr;
  const std::string type = settings["loss_type"];
  if (type == "grpo") return &sequence;
  if (type == "dapo" || type == "bnpo") return &token;  // one step holds the whole batch
  if (type == "dr_grpo") return &constant;
  return nullptr;
}

TEST(PolicyObjective, AgreesWithTrl) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "shared/data is not there";
  const json file = json::parse(testing::read_text(*data / "loss_goldens" / "trl_cases.json"));
  int compared = 0;
  for (const json& c : file["cases"]) {
    const LossNormalise* form = our_form(c["settings"]);
    if (form == nullptr) continue;
    ++compared;
    LossConfig config;
    config.clip_eps_low = c["settings"]["epsilon"];
    config.clip_eps_high = c["settings"]["epsilon_high"];
    config.kl_coef = c["settings"]["beta"];
    LossDenominators denominators{.max_new_tokens = c["settings"]["max_completion_length"]};
    const std::vector<std::int64_t> lengths = c["lengths"];
    for (const std::int64_t length : lengths) denominators.tokens += length;
    denominators.sequences = static_cast<std::int64_t>(lengths.size());
    double loss = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto length = static_cast<std::size_t>(lengths[i]);
      const auto cut = [&](const char* name) {
        std::vector<double> values = c[name][i];
        values.resize(length);
        return values;
      };
      const auto policy = cut("policy_logprob"), sampler = cut("sampler_logprob"),
                 reference = cut("reference_logprob");
      std::vector<double> coef(length);
      loss += policy_objective({policy, sampler, reference, c["advantage"][i]}, config,
                               token_weight(*form, denominators, lengths[i]), coef)
                  .loss;
      for (std::size_t t = 0; t < length; ++t) {
        ASSERT_NEAR(coef[t], c["grad_policy_logprob"][i][t].get<double>(), 1e-9)
            << c["settings"] << i << "," << t;
      }
    }
    EXPECT_NEAR(loss, c["loss"].get<double>(), 1e-9) << c["settings"];
  }
  EXPECT_EQ(compared, 8);
}

}  // namespace
}  // namespace reckon
