// What a grpo step came to, for metrics.jsonl and for the terminal.
#include <array>
#include <cmath>

#include "checkpoints.h"
#include "grpo_stage.h"
#include "reckon/base/log.h"
#include "reckon/dist/stragglers.h"
#include "reckon/reward/terms.h"
#include "step_memory.h"

namespace reckon {
namespace {

/// Sums over a step's completions.
struct StepSums {
  double reward = 0, right = 0, no_answer = 0, grader_failed = 0, tokens = 0, truncated = 0, completions = 0;
  double too_long = 0;                                            // prompts passed over
  std::vector<double> terms;                                      // in the order of reward_term_names()
  std::array<std::int64_t, enum_names(Grade{}).size()> grades{};  // by number
  std::int64_t several_answers = 0;
};

StepSums add_up(const GrpoStep& step) {
  const std::size_t num_terms = step.batch.reward_term_names.size();
  StepSums sums;
  sums.too_long = static_cast<double>(step.too_long);
  sums.terms.resize(num_terms);
  for (const Group& group : step.groups) {
    for (const Completion& completion : group.completions) {
      sums.reward += completion.reward;
      sums.right += completion.verdict == Verdict::right ? 1 : 0;
      sums.no_answer += completion.verdict == Verdict::no_answer ? 1 : 0;
      sums.grader_failed += completion.verdict == Verdict::grader_failed ? 1 : 0;
      sums.tokens += static_cast<double>(completion.token_ids.size());
      sums.truncated += completion.finish_reason == FinishReason::length ? 1 : 0;
      sums.completions += 1;
      for (std::size_t i = 0; i < num_terms; ++i) sums.terms[i] += completion.reward_terms.at(i);
      ++sums.grades.at(static_cast<std::size_t>(completion.grade));
      sums.several_answers += completion.several_answers ? 1 : 0;
    }
  }
  return sums;
}

/// What the step's slowest rank of the team took, without its waits for others, against the median rank:
/// warned of where it holds all others up.
PhaseTimes straggler(TrainRun& run, const StageConfig& stage, const GrpoStep& step) {
  constexpr double kWorthMentioning = 2.0, kLeastSeconds = 1.0;
  // Where others sample, learners have only waited until their groups were there.
  const double others = run.roles.are_split() ? step.times.sample : 0;
  const double busy = std::max(0.0, step.times.total - others - step.times.waited);
  const PhaseTimes times = gather_phase_times(*run.team, {&busy, 1}).front();
  if (run.is_root() && times.ratio >= kWorthMentioning && times.slowest_s - times.median_s >= kLeastSeconds) {
    log_warning(stage.name + " step " + std::to_string(step.number) + ": rank " +
                std::to_string(times.slowest_rank) + " (" + times.slowest_host + ") was busy for " +
                fixed(times.slowest_s, 1) + " s, the median rank for " + fixed(times.median_s, 1) + " s");
  }
  return times;
}

}  // namespace

StepSignal signal_of(const GrpoStep& step, const GrpoStats& stats) {
  const StepSums sums = add_up(step);
  return {.accuracy = sums.terms.front() / sums.completions,  // the first term of every stage
          .zero_variance_share =
              static_cast<double>(stats.zero_variance_groups) / static_cast<double>(step.groups.size()),
          .max_logprob_diff = stats.sums.max_logprob_diff};
}

void report(TrainRun& run, const StageConfig& stage, const GrpoStep& step, const GrpoStats& stats,
            const std::string& alarms) {
  const MemoryUse memory = largest_memory_use(*run.team);
  const PhaseTimes slowest = straggler(run, stage, step);
  const StepSums sums = add_up(step);
  const StepTimes& times = step.times;
  const double n = sums.completions;
  const UpdateStats& update = stats.sums;
  const double trained = std::max(1.0, update.tokens);
  if (run.metrics) {
    MetricsRow row{stage.name, static_cast<std::uint64_t>(step.number), {}};
    row.add("reward", sums.reward / n);
    row.add("pass_rate", sums.right / n);
    row.add("mean_tokens", sums.tokens / n);
    row.add("truncated", sums.truncated / n);
    row.add("no_answer", sums.no_answer / n);
    row.add("grader_failed", sums.grader_failed / n);
    const std::vector<std::string> terms = reward_term_names(stage.reward);
    for (std::size_t i = 0; i < terms.size(); ++i) row.add("reward_" + terms[i], sums.terms[i] / n);
    for (const auto& [grade, name] : enum_names(Grade{})) {
      row.add("grade_" + std::string(name), sums.grades.at(static_cast<std::size_t>(grade)));
    }
    row.add("multi_box", sums.several_answers);
    row.add("prompts_too_long", sums.too_long);
    row.add("zero_variance_groups", stats.zero_variance_groups);
    row.add("loss", update.loss);
    row.add("kl", update.kl / trained);
    row.add("entropy", update.entropy / trained);
    row.add("clip_share", update.clipped / trained);
    // Where every group is without variance nothing is trained: what is left is the largest ratio of the
    // compared.
    row.add("mean_ratio",
            update.tokens > 0 ? update.ratio / update.tokens : std::exp(update.max_logprob_diff));
    row.add("sampler_policy_max_diff", update.max_logprob_diff);
    const OffPolicy off_policy = stage.grpo.loss.off_policy;
    if (off_policy != OffPolicy::none) row.add("mean_importance", update.importance / trained);
    if (off_policy == OffPolicy::tis) row.add("importance_truncated", update.truncated / trained);
    if (off_policy == OffPolicy::sequence_mask) row.add("importance_masked", update.masked / trained);
    if (stage.schedule.max_staleness > 0) {
      row.add("stale_share", static_cast<double>(stats.staleness.stale_tokens) / std::max(1.0, sums.tokens));
      row.add("staleness_mean", stats.staleness.mean);
      row.add("staleness_max", static_cast<double>(stats.staleness.max));
    }
    if (stage.schedule.admission == Admission::as_completed)
      row.add("dropped_groups", static_cast<double>(step.dropped));
    row.add("grad_norm", update.grad_norm);
    row.add("learning_rate", update.learning_rate);
    row.add("tokens", sums.tokens);
    if (!alarms.empty()) row.add("alarms", alarms);
    row.add("sample_seconds", times.sample);
    row.add("grade_seconds", times.grade);
    row.add("update_seconds", times.update);
    row.add("checkpoint_seconds", run.checkpoints->seconds_lost());
    row.add("wait_seconds", times.waited);
    if (run.team->size() > 1) {
      row.add("straggler_rank", static_cast<double>(slowest.slowest_rank));
      row.add("straggler_ratio", slowest.ratio);
    }
    row.add("seconds", times.total);
    add_memory(row, memory);
    run.metrics->write(row);
  }
  run.display.step(step.number, {{"reward", fixed(sums.reward / n, 3)},
                                 {"pass", fixed(sums.right / n, 3)},
                                 {"len", fixed(sums.tokens / n, 1)},
                                 {"tok/s", short_count(sums.tokens / times.total)}});
}

}  // namespace reckon
