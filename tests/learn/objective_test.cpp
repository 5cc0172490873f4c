#include "reckon/learn/objective.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "reckon/base/philox.h"
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
  const std::vector<double> sampler{-0.5, -1.2, -0.3, -2.0};
  const std::vector<double> reference{-0.7, -1.0, -0.3, -2.5};
  const std::vector<double> old{-0.55, -1.3, -0.6, -1.9};
  std::vector<double> policy{-0.45, -1.5, -0.9, -1.6};
  for (const ImportanceLevel level : {ImportanceLevel::token, ImportanceLevel::sequence}) {
    for (const auto& [off_policy, cap] :
         {std::pair{OffPolicy::none, 2.0}, std::pair{OffPolicy::tis, 1.02},
          std::pair{OffPolicy::sequence_mask, 2.0}, std::pair{OffPolicy::sequence_mask, 1.2}}) {
      LossConfig config;
      config.importance_level = level;
      config.clip_eps_high = 0.28;
      config.kl_coef = 0.04;
      config.off_policy = off_policy;
      config.off_policy_cap = cap;
      for (const double advantage : {1.3, -0.7, 0.0}) {
        std::vector<double> coef(4), unused(4);
        const auto loss = [&](std::vector<double>& slopes) {
          return policy_objective({policy, sampler, reference, advantage, old}, config, 0.25, slopes).loss;
        };
        (void)loss(coef);
        for (std::size_t i = 0; i < policy.size(); ++i) {
          const double kept = policy[i];
          policy[i] = kept + 1e-6;
          const double above = loss(unused);
          policy[i] = kept - 1e-6;
          const double below = loss(unused);
          policy[i] = kept;
          EXPECT_NEAR(coef[i], (above - below) / 2e-6, 1e-8);
        }
      }
    }
  }
}

// Ratios 4 and 1: the sequence's is their geometric mean, 2.
TEST(PolicyObjective, TheRatioOfASequenceIsTheGeometricMeanOfItsTokens) {
  const std::vector<double> sampler{-2.0, -1.0};
  const std::vector<double> policy{-2.0 + std::log(4.0), -1.0};
  std::vector<double> coef(2);
  LossConfig config;
  config.importance_level = ImportanceLevel::sequence;
  ObjectiveSums sums = policy_objective({policy, sampler, {}, 1.0}, config, 0.5, coef);
  EXPECT_NEAR(sums.loss, -0.5 * (1.2 + 1.2), 1e-12);
  EXPECT_EQ(sums.clipped, 2);  // the second token too, whose own ratio is 1
  EXPECT_NEAR(sums.ratio, 4.0, 1e-12);
  EXPECT_EQ(coef[0], 0.0);
  EXPECT_EQ(coef[1], 0.0);
  // A = -1 is not clipped above: each token's log-prob moves both terms, by half of -2 each.
  sums = policy_objective({policy, sampler, {}, -1.0}, config, 0.5, coef);
  EXPECT_NEAR(sums.loss, 0.5 * (2.0 + 2.0), 1e-12);
  EXPECT_EQ(sums.clipped, 0);
  EXPECT_NEAR(coef[0], 0.5 * 2.0, 1e-12);
  EXPECT_NEAR(coef[1], 0.5 * 2.0, 1e-12);
  EXPECT_NEAR(sums.max_logprob_diff, std::log(4.0), 1e-12);
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
  if (!settings["delta"].is_null()) return nullptr;
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
    if (c["settings"]["importance_sampling_level"] == "sequence")
      config.importance_level = ImportanceLevel::sequence;
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
  EXPECT_EQ(compared, 10);
}

/// The values of a case by name, as of its completion i.
std::vector<double> of_completion(const json& c, const char* name, std::size_t i) {
  return c.at(name).at(i);
}

// TRL multiplies the terms of a completion that sequence_mask keeps by its ratio, and we do not: what it has
// of such a completion is divided by it.
TEST(PolicyObjective, OffPolicyAgreesWithTrl) {
  const json file =
      json::parse(testing::read_text(testing::source_dir() / "tests/golden/off_policy_loss.json"));
  int kept = 0, masked = 0, truncated = 0;
  for (const json& c : file["cases"]) {
    const bool is_mask = c["mode"] == "sequence_mask";
    LossConfig config{.clip_eps_high = 0.28,
                      .off_policy = is_mask ? OffPolicy::sequence_mask : OffPolicy::tis,
                      .off_policy_cap = c["cap"],
                      .kl_coef = c["beta"]};
    if (c["level"] == "sequence") config.importance_level = ImportanceLevel::sequence;
    const auto count = static_cast<std::int64_t>(c["lengths"].size());
    double loss = 0;
    for (std::size_t i = 0; i < c["lengths"].size(); ++i) {
      const auto policy = of_completion(c, "policy", i), sampler = of_completion(c, "sampler", i),
                 reference = of_completion(c, "reference", i), old = of_completion(c, "old", i),
                 grad = of_completion(c, "grad", i);
      std::vector<double> coef(policy.size()), of_kl(policy.size());
      const double weight = token_weight(LossNormalise::sequence, {.sequences = count},
                                         static_cast<std::int64_t>(policy.size()));
      const ObjectiveSums sums =
          policy_objective({policy, sampler, reference, c["advantage"][i], old}, config, weight, coef);
      const double of_kl_loss =
          policy_objective({policy, sampler, reference, 0.0, old}, config, weight, of_kl).loss;
      const double ratio = is_mask ? c["ratio"][i].get<double>() : 1.0;
      EXPECT_EQ(sums.masked > 0, is_mask && ratio == 0.0);
      loss += of_kl_loss + (sums.loss - of_kl_loss) * ratio;
      for (std::size_t t = 0; t < policy.size(); ++t)
        EXPECT_NEAR(of_kl[t] + (coef[t] - of_kl[t]) * ratio, grad[t], 1e-12) << c["mode"] << i << "," << t;
      masked += sums.masked > 0 ? 1 : 0;
      kept += is_mask && sums.masked == 0 ? 1 : 0;
      truncated += static_cast<int>(sums.truncated);
    }
    EXPECT_NEAR(loss, c["loss"].get<double>(), 1e-12) << c["mode"] << c["level"];
  }
  EXPECT_GE(kept, 4);
  EXPECT_GE(masked, 4);
  EXPECT_GE(truncated, 8);
}

// Log-probs within 0.3 of each other, so that some ratios are clipped and some weights truncated.
TEST(PolicyObjective, AgreesWithAutograd) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "the Python oracles are not installed";
  RandomStream random(11, 1);
  json cases = json::array();
  const std::array<const char*, 3> modes{"none", "tis", "sequence_mask"};
  for (int i = 0; i < 96; ++i) {
    json c{{"level", i % 2 == 0 ? "token" : "sequence"},
           {"eps_low", 0.1},
           {"eps_high", 0.15},
           {"kl_coef", i / 2 % 2 * 0.05},
           {"off_policy", modes[static_cast<std::size_t>(i / 8 % 3)]},
           {"off_policy_cap", 1.1},
           {"weight", 0.01 + random.uniform()},
           {"advantage", random.normal()}};
    std::vector<double> middle(1 + random.below(9));
    for (double& value : middle) value = -0.5 - 3.0 * random.uniform();
    for (const char* name : {"policy", "sampler", "reference", "old"}) {
      std::vector<double> values = middle;
      for (double& value : values) value += 0.3 * (random.uniform() - 0.5);
      c[name] = name == std::string("old") && i / 4 % 2 == 0 ? std::vector<double>() : values;
    }
    cases.push_back(c);
  }
  const testing::TempDir folder;
  testing::write_text(folder.path() / "cases.json", cases.dump());
  const auto result = testing::run_command(
      python->string() + " " + (testing::source_dir() / "tests" / "learn" / "objective_oracle.py").string() +
      " " + (folder.path() / "cases.json").string());
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json answers = json::parse(result.output);
  double clipped = 0, truncated = 0, masked = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const json& c = cases[i];
    LossConfig config;
    if (c["level"] == "sequence") config.importance_level = ImportanceLevel::sequence;
    config.clip_eps_low = c["eps_low"];
    config.clip_eps_high = c["eps_high"];
    config.kl_coef = c["kl_coef"];
    config.off_policy = c["off_policy"] == "tis"             ? OffPolicy::tis
                        : c["off_policy"] == "sequence_mask" ? OffPolicy::sequence_mask
                                                             : OffPolicy::none;
    config.off_policy_cap = c["off_policy_cap"];
    const std::vector<double> policy = c["policy"], sampler = c["sampler"], reference = c["reference"],
                              old = c["old"];
    std::vector<double> coef(policy.size());
    const ObjectiveSums sums =
        policy_objective({policy, sampler, reference, c["advantage"], old}, config, c["weight"], coef);
    EXPECT_NEAR(sums.loss, answers[i]["loss"].get<double>(), 1e-12) << c;
    for (std::size_t t = 0; t < coef.size(); ++t)
      EXPECT_NEAR(coef[t], answers[i]["coef"][t].get<double>(), 1e-12) << c << t;
    clipped += sums.clipped;
    truncated += sums.truncated;
    masked += sums.masked;
  }
  EXPECT_GT(clipped, 20);
  EXPECT_GT(truncated, 20);
  EXPECT_GT(masked, 20);
}

}  // namespace
}  // namespace reckon
