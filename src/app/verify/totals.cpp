// What a step's completions come to, for comparison with its row of metrics.
#include <algorithm>

#include "groups.h"

namespace reckon {

std::vector<std::string> total_names(const std::vector<std::string>& terms) {
  std::vector<std::string> names = {"reward",    "pass_rate",     "mean_tokens",          "truncated",
                                    "no_answer", "grader_failed", "zero_variance_groups", "tokens"};
  for (const std::string& term : terms) names.push_back("reward_" + term);
  for (const auto& [grade, name] : enum_names(Grade{})) names.push_back("grade_" + std::string(name));
  return names;
}

StepTotals totals_of(const LoggedStep& step) {
  double reward = 0, right = 0, tokens = 0, truncated = 0, no_answer = 0, failed = 0, no_signal = 0,
         count = 0;
  std::vector<double> terms, grades(enum_names(Grade{}).size());
  std::vector<const Group*> groups;
  for (const LoggedStep::Part& part : step.parts) {
    terms.resize(part.step.batch.reward_term_names.size());
    for (const Group& group : part.step.batch.groups) groups.push_back(&group);
  }
  // In the order in which the run adds them up: its sums are not rounded otherwise.
  std::ranges::stable_sort(groups, {}, &Group::place);
  for (const Group* group : groups) {
    const bool has_signal =
        std::ranges::any_of(group->completions, [](const Completion& c) { return c.advantage != 0.0f; });
    no_signal += has_signal ? 0 : 1;
    for (const Completion& completion : group->completions) {
      reward += completion.reward;
      right += completion.verdict == Verdict::right ? 1 : 0;
      no_answer += completion.verdict == Verdict::no_answer ? 1 : 0;
      failed += completion.verdict == Verdict::grader_failed ? 1 : 0;
      tokens += static_cast<double>(completion.token_ids.size());
      truncated += completion.finish_reason == FinishReason::length ? 1 : 0;
      count += 1;
      for (std::size_t i = 0; i < terms.size(); ++i) terms[i] += completion.reward_terms.at(i);
      grades.at(static_cast<std::size_t>(completion.grade)) += 1;
    }
  }
  StepTotals totals{static_cast<std::int64_t>(step.number),
                    {reward / count, right / count, tokens / count, truncated / count, no_answer / count,
                     failed / count, no_signal, tokens}};
  for (const double term : terms) totals.values.push_back(term / count);
  for (const double grade : grades) totals.values.push_back(grade);
  return totals;
}

}  // namespace reckon
