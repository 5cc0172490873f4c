// grpo_loss() of token_loss.h: 4 bytes a logit.
#include "row_loss.h"

namespace reckon::cuda {
namespace {

/// What policy_objective() of reckon/learn/objective.h gives for one token, and the importance weight that
/// its policy term is multiplied by.
struct TokenObjective {
  double loss = 0, coef = 0, ratio = 0, kl = 0, importance = 1;
  bool is_clipped = false;
};

/// 0 for a weight of 0, however large the value: the ratio of a masked completion may overflow.
__device__ double times(double weight, double value) {
  return weight == 0 && value == value ? 0.0 : weight * value;
}

struct Grpo {
  static constexpr bool kHasGradient = true;
  struct Row {
    float sampler, old, reference, advantage, weight, gap, sequence_importance;
  };
  GrpoInputs in;
  GrpoSettings settings;
  GrpoOutputs out;
  bool wants_outputs;

  [[nodiscard]] __device__ bool skips(std::int64_t row) const {
    if (in.weight[row] == 0) return true;
    return !wants_outputs && settings.kl_coef == 0 && settings.entropy_coef == 0 && in.advantage[row] == 0;
  }

  __device__ void write_skipped(std::int64_t row) const {
    write_token(out.token, row, {});
    write(row, {.importance = 0});
  }

  [[nodiscard]] __device__ Row read(std::int64_t row) const {
    const auto value = [row](const float* column) { return column == nullptr ? 0.0f : column[row]; };
    return {value(in.sampler_logprob),    value(in.old_logprob), value(in.reference_logprob),
            value(in.advantage),          value(in.weight),      value(in.sequence_gap),
            value(in.sequence_importance)};
  }

  __device__ Coefficients finish(std::int64_t row, const Row& known, const TokenStatistics& token,
                                 bool writes) const {
    const double bonus = settings.entropy_coef * static_cast<double>(known.weight);
    TokenObjective objective = objective_of(known, token.logprob);
    if (bonus != 0) objective.loss -= bonus * static_cast<double>(token.entropy);
    if (writes) {
      write_token(out.token, row, token);
      write(row, objective);
    }
    return {objective.coef, bonus};
  }

 private:
  [[nodiscard]] __device__ TokenObjective objective_of(const Row& known, double policy) const {
    TokenObjective result;
    double old = known.sampler;
    if (settings.off_policy != OffPolicy::none)
      old = in.old_logprob == nullptr ? policy : static_cast<double>(known.old);
    if (settings.off_policy == OffPolicy::tis) {
      const double weight = exp(old - static_cast<double>(known.sampler));
      result.importance = weight > settings.off_policy_cap ? settings.off_policy_cap : weight;
    } else if (settings.off_policy == OffPolicy::sequence_mask) {
      result.importance = known.sequence_importance;
    }
    const bool is_sequence = settings.level == ImportanceLevel::sequence;
    result.ratio = exp(is_sequence ? static_cast<double>(known.gap) : policy - old);
    const double low = 1.0 - settings.clip_eps_low;
    const double high = 1.0 + settings.clip_eps_high;
    const double bounded_ratio = result.ratio < low ? low : result.ratio > high ? high : result.ratio;
    const double advantage = known.advantage;
    const double plain = result.ratio * advantage;
    const double bounded = bounded_ratio * advantage;
    // Where the clipped branch is the smaller one it is constant in the policy: no gradient.
    result.is_clipped = bounded < plain;
    double gain = times(result.importance, result.is_clipped ? bounded : plain);
    // d ratio / d log pi = ratio. Each token of a sequence has the same share of its ratio, which moves the
    // terms of all its tokens.
    const double moved = is_sequence && settings.off_policy == OffPolicy::tis
                             ? static_cast<double>(known.sequence_importance)
                             : result.importance;
    double slope = result.is_clipped ? 0.0 : times(moved, plain);
    if (settings.kl_coef != 0) {
      const double d = static_cast<double>(known.reference) - policy;
      const double e = exp(d);
      result.kl = e - d - 1.0;
      gain -= settings.kl_coef * result.kl;
      slope -= settings.kl_coef * (1.0 - e);
    }
    const double weight = known.weight;
    result.loss = -weight * gain;
    result.coef = -weight * slope;
    return result;
  }

  __device__ void write(std::int64_t row, const TokenObjective& objective) const {
    if (out.loss != nullptr) out.loss[row] = static_cast<float>(objective.loss);
    if (out.ratio != nullptr) out.ratio[row] = static_cast<float>(objective.ratio);
    if (out.kl != nullptr) out.kl[row] = static_cast<float>(objective.kl);
    if (out.clipped != nullptr) out.clipped[row] = objective.is_clipped ? 1.0f : 0.0f;
    if (out.importance != nullptr) out.importance[row] = static_cast<float>(objective.importance);
  }
};

void check_inputs(const LogitRows& logits, const GrpoInputs& in, const GrpoSettings& settings) {
  constexpr const char* kWhere = "grpo_loss";
  check_rows(kWhere, logits, settings.temperature);
  const auto at_least_0 = [](const char* name, double value) {
    require(value >= 0, kWhere, std::string(name) + " " + std::to_string(value) + " (need 0 or more)");
  };
  at_least_0("clip_eps_low", settings.clip_eps_low);
  at_least_0("clip_eps_high", settings.clip_eps_high);
  at_least_0("kl_coef", settings.kl_coef);
  require(settings.off_policy_cap >= 1, kWhere,
          "off_policy_cap " + std::to_string(settings.off_policy_cap) + " (need 1 or more)");
  if (logits.rows == 0) return;
  const bool is_sequence = settings.level == ImportanceLevel::sequence;
  require(settings.kl_coef == 0 || in.reference_logprob != nullptr, kWhere,
          "kl_coef " + std::to_string(settings.kl_coef) + " without reference_logprob (need both)");
  require(!is_sequence || in.sequence_gap != nullptr, kWhere,
          "ImportanceLevel::sequence without sequence_gap (need sequence_logprob_gap() first)");
  const bool is_masked = settings.off_policy == OffPolicy::sequence_mask;
  require(!is_masked || in.sequence_importance != nullptr, kWhere,
          "OffPolicy::sequence_mask without sequence_importance (need sequence_mask() first)");
  require(!is_sequence || settings.off_policy != OffPolicy::tis || in.sequence_importance != nullptr, kWhere,
          "ImportanceLevel::sequence and OffPolicy::tis without sequence_importance (need "
          "sequence_importance() first)");
  require(in.token_ids != nullptr && in.advantage != nullptr && in.weight != nullptr, kWhere,
          "token_ids, advantage or weight is null (need all three)");
  // The ratio of a sequence is exp(gap).
  require(
      in.sampler_logprob != nullptr || is_masked || (is_sequence && settings.off_policy == OffPolicy::none),
      kWhere, "sampler_logprob is null (need it for the ratio and for OffPolicy::tis)");
}

}  // namespace

void grpo_loss(const RowPlan& plan, const LogitRows& logits, const GrpoInputs& in,
               const GrpoSettings& settings, const GrpoOutputs& out, Stream stream) {
  bool wants_outputs = false;
  for (const float* output : {out.token.logprob, out.token.entropy, out.token.lse, out.loss, out.ratio,
                              out.kl, out.clipped, out.importance}) {
    wants_outputs = wants_outputs || output != nullptr;
  }
  launch_row_loss("grpo_loss", row_task(plan, logits, in.token_ids, settings.temperature),
                  Grpo{in, settings, out, wants_outputs}, stream);
}

void grpo_loss(const LogitRows& logits, const GrpoInputs& in, const GrpoSettings& settings,
               const GrpoOutputs& out, Stream stream) {
  check_inputs(logits, in, settings);
  grpo_loss(plan_row(logits.vocab, device_info()), logits, in, settings, out, stream);
}

}  // namespace reckon::cuda
