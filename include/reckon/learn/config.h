#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon {

/// AdamW with warm-up and cosine decay.
struct OptimizerConfig {
  double learning_rate = 1e-6;
  double final_learning_rate_fraction = 0.1;
  double warmup_fraction = 0.0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.99;
  double adam_eps = 1e-8;
  double weight_decay = 0.0;
  double max_grad_norm = 1.0;
};

template <class Visitor>
void describe(Visitor& visit, OptimizerConfig& c) {
  visit("learning_rate", c.learning_rate, above(0), "highest learning rate, reached after the warm-up");
  visit("final_learning_rate_fraction", c.final_learning_rate_fraction, between(0, 1),
        "cosine decay ends at this fraction of learning_rate; 1 keeps it constant");
  visit("warmup_fraction", c.warmup_fraction, between(0, 1),
        "share of the steps in which the rate rises linearly from 0");
  visit("adam_beta1", c.adam_beta1, Bounds{.low = 0, .high = 1, .high_open = true},
        "decay of the first moment");
  visit("adam_beta2", c.adam_beta2, Bounds{.low = 0, .high = 1, .high_open = true},
        "decay of the second moment");
  visit("adam_eps", c.adam_eps, above(0), "added to the root of the second moment");
  visit("weight_decay", c.weight_decay, at_least(0), "decoupled; not applied to norms");
  visit("max_grad_norm", c.max_grad_norm, at_least(0),
        "the gradient is scaled down to this norm; 0 does not clip");
}

/// How a step's sequences are cut into pieces. A leaf is the unit of the gradient's sum; neither the leaves
/// of a micro-batch nor the number of ranks changes a bit.
struct BatchConfig {
  std::int64_t leaf_sequences = 16;
  std::int64_t micro_batch_leaves = 1;
  bool recompute = false;
};

template <class Visitor>
void describe(Visitor& visit, BatchConfig& c) {
  visit("leaf_sequences", c.leaf_sequences, between(1, 65536),
        "sequences of a leaf, the unit of gradient sums");
  visit("micro_batch_leaves", c.micro_batch_leaves, between(1, 65536),
        "leaves in one forward pass; does not change results");
  visit("recompute", c.recompute, any(),
        "keep each layer's input alone and compute the layer again for its gradient: less memory, a third "
        "more work, "
        "the same results");
}

/// One phase of an SFT stage's data.
struct MixPhase {
  double until = 1.0;
  double think_share = 1.0;
  std::vector<std::string> tasks;
};

template <class Visitor>
void describe(Visitor& visit, MixPhase& c) {
  visit("until", c.until, Bounds{.low = 0, .high = 1, .low_open = true},
        "the phase ends at this share of the steps");
  visit("think_share", c.think_share, between(0, 1),
        "share of examples that answer step by step; the others answer at once");
  visit("tasks", c.tasks, any(), "tasks drawn in this phase; empty is those of the stage");
}

struct SftConfig {
  std::int64_t tokens_per_step = 8192;
  std::vector<MixPhase> mix_schedule = {MixPhase{}};
};

template <class Visitor>
void describe(Visitor& visit, SftConfig& c) {
  visit("tokens_per_step", c.tokens_per_step, between(16, 1e9),
        "sequences are added to a step up to this many tokens");
  visit("mix_schedule", c.mix_schedule, any(), "phases, in order of until; the last ends at 1");
}

/// What a group's centred rewards are divided by.
enum class AdvantageScale {
  group_std,  ///< population standard deviation of the group, plus epsilon (GRPO)
  none,       ///< nothing (Dr. GRPO, arXiv:2503.20783)
};
constexpr auto enum_names(AdvantageScale) {
  return std::array{EnumName{AdvantageScale::group_std, "group_std"}, EnumName{AdvantageScale::none, "none"}};
}

/// What the summed loss is divided by.
enum class LossNormalise {
  token,     ///< the number of completion tokens of the whole step (DAPO, arXiv:2503.14476, Eq. 12)
  sequence,  ///< each completion by its own length, then by the number of completions (DeepSeekMath, Eq. 3)
  constant,  ///< number of completions times max_new_tokens (Dr. GRPO, arXiv:2503.20783)
};
constexpr auto enum_names(LossNormalise) {
  return std::array{EnumName{LossNormalise::token, "token"}, EnumName{LossNormalise::sequence, "sequence"},
                    EnumName{LossNormalise::constant, "constant"}};
}

/// What a probability ratio is of.
enum class ImportanceLevel {
  token,     ///< each token (DeepSeekMath, Eq. 3)
  sequence,  ///< the completion, as the geometric mean over its tokens (GSPO, arXiv:2507.18071, Eq. 7)
};
constexpr auto enum_names(ImportanceLevel) {
  return std::array{EnumName{ImportanceLevel::token, "token"},
                    EnumName{ImportanceLevel::sequence, "sequence"}};
}

/// What makes up for completions whose sampler was not the policy that an update starts from: its weights
/// were older (max_staleness), or it computes other log-probs of the same weights (Numerics::fast). With mu
/// the sampler's probability of a token, old that of the policy before the step's first update, and pi the
/// policy's; policy_objective() has the formulae.
enum class OffPolicy {
  none,           ///< ratios are pi / mu: clipping alone bounds them
  tis,            ///< ratios are pi / old; each token's term times min(old / mu, cap)
  sequence_mask,  ///< ratios are pi / old; completions whose old / mu is over cap or under 1 / cap are left
                  ///< out
};
constexpr auto enum_names(OffPolicy) {
  return std::array{EnumName{OffPolicy::none, "none"}, EnumName{OffPolicy::tis, "tis"},
                    EnumName{OffPolicy::sequence_mask, "sequence_mask"}};
}

/// The clipped objective of DeepSeekMath (arXiv:2402.03300), Eq. 3.
struct LossConfig {
  ImportanceLevel importance_level = ImportanceLevel::token;
  double clip_eps_low = 0.2;
  double clip_eps_high = 0.2;
  OffPolicy off_policy = OffPolicy::none;
  double off_policy_cap = 2.0;
  double kl_coef = 0.0;
  LossNormalise loss_normalise = LossNormalise::token;
};

template <class Visitor>
void describe(Visitor& visit, LossConfig& c) {
  visit("importance_level", c.importance_level, any(),
        "what a probability ratio is of: each token, or the whole completion (GSPO), whose ratio is clipped "
        "by epsilons of about 3e-4");
  visit("clip_eps_low", c.clip_eps_low, between(0, 1), "epsilon of Eq. 3 below 1");
  visit("clip_eps_high", c.clip_eps_high, at_least(0), "epsilon of Eq. 3 above 1");
  visit(
      "off_policy", c.off_policy, any(),
      "what makes up for completions sampled by older weights, or by a sampler whose log-probabilities are "
      "not the learner's. none: ratios are to the sampler's probability; else to the learner's before the "
      "step, and tis: each token's term is multiplied by that over the sampler's, at most off_policy_cap; "
      "sequence_mask: completions whose product of these is over off_policy_cap or under 1 / off_policy_cap "
      "are left out");
  visit("off_policy_cap", c.off_policy_cap, at_least(1), "bound of off_policy; not used where that is none");
  visit("kl_coef", c.kl_coef, at_least(0),
        "beta of Eq. 3, estimator k3 of Eq. 4; 0 loads no reference model");
  visit("loss_normalise", c.loss_normalise, any(), "what the summed loss is divided by");
}

/// Which completions' sampler log-probs are compared with the learner's, at the first update of a step. They
/// are the same bits; a difference means that something is broken.
enum class Exactness {
  all,      ///< every completion of the step; any difference stops the run
  trained,  ///< those that the update is on; a difference stops the run. Zero-variance groups are not
            ///< computed
  report,   ///< those that the update is on; the difference is only written to the metrics
};
constexpr auto enum_names(Exactness) {
  return std::array{EnumName{Exactness::all, "all"}, EnumName{Exactness::trained, "trained"},
                    EnumName{Exactness::report, "report"}};
}

struct GrpoConfig {
  std::int64_t prompts_per_step = 32;
  std::int64_t group_size = 16;
  std::int64_t updates_per_step = 1;
  AdvantageScale advantage_scale = AdvantageScale::group_std;
  Exactness exactness = Exactness::all;
  LossConfig loss;
};

template <class Visitor>
void describe(Visitor& visit, GrpoConfig& c) {
  visit("prompts_per_step", c.prompts_per_step, between(1, 1e6), "P, prompts sampled in a step");
  visit("group_size", c.group_size, between(2, 65536), "G, completions of a prompt");
  visit("updates_per_step", c.updates_per_step, between(1, 1024),
        "optimizer updates on the completions of a step, each on an equal share of the prompts");
  visit("advantage_scale", c.advantage_scale, any(), "what a group's centred rewards are divided by");
  visit("exactness", c.exactness, any(),
        "completions whose log-probabilities are computed again by the learner and must have the sampler's "
        "bits");
  describe(visit, c.loss);
}

}  // namespace reckon
