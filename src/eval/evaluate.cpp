#include "reckon/eval/evaluate.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace reckon {
namespace {

/// What one problem adds to the sums.
struct ProblemCounts {
  double right = 0;  // samples
  double tokens = 0;
  double thinking = 0;
  double truncated = 0;
  double greedy_right = 0;
};

bool is_right(const Task& task, const Prompt& prompt, const Completion& completion) {
  const std::string text = graded_text(prompt, completion);
  return verdict_of(grade_completion(task, prompt.spec, text, completion.finish_reason)) == Verdict::right;
}

bool thinks(const std::string& text) {
  const std::size_t open = text.find(kThinkOpen);
  const std::size_t close = text.find(kThinkClose);
  if (open == std::string::npos || close == std::string::npos || close < open) return false;
  const std::size_t begin = open + kThinkOpen.size();
  return !trim_blanks(std::string_view(text).substr(begin, close - begin)).empty();
}

std::vector<ProblemCounts> count(const Task& task, const std::vector<Group>& sampled,
                                 const std::vector<Group>& greedy) {
  std::vector<ProblemCounts> counts(sampled.size());
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    const Prompt& prompt = sampled[i].prompt;
    for (const Completion& completion : sampled[i].completions) {
      counts[i].right += is_right(task, prompt, completion) ? 1 : 0;
      counts[i].tokens += static_cast<double>(completion.token_ids.size());
      counts[i].thinking += thinks(graded_text(prompt, completion)) ? 1 : 0;
      counts[i].truncated += completion.finish_reason == FinishReason::length ? 1 : 0;
    }
    counts[i].greedy_right = is_right(task, prompt, greedy[i].completions.front()) ? 1 : 0;
  }
  return counts;
}

}  // namespace

double wilson_half_width(double p, double n) {
  constexpr double z = 1.959963984540054;
  return z / (1.0 + z * z / n) * std::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n));
}

Prompt prompt_of(const Problem& problem, const PromptFormat& format) {
  RenderedPrompt rendered = format.render(problem.prompt);
  Prompt prompt;
  prompt.id = problem.id;
  prompt.task = problem.task;
  prompt.level = problem.level;
  prompt.text = std::move(rendered.text);
  prompt.token_ids = std::move(rendered.token_ids);
  prompt.gold = problem.answer;
  prompt.spec = problem.spec;
  prompt.source = problem.source;
  return prompt;
}

TaskEvaluation evaluate(Sampler& sampler, const PromptFormat& format, const Task& task,
                        std::span<const Problem> problems, const EvalConfig& config, const RolloutPlan& plan,
                        Communicator& world) {
  const Range mine = share_of(static_cast<std::int64_t>(problems.size()), world.rank(), world.size());
  std::vector<Group> sampled;
  for (std::int64_t i = mine.begin; i < mine.end; ++i) {
    Group group;
    group.prompt = prompt_of(problems[static_cast<std::size_t>(i)], format);
    group.group_id = static_cast<std::uint64_t>(i);
    sampled.push_back(std::move(group));
  }
  std::vector<Group> greedy = sampled;
  RolloutPlan sample_plan = plan;
  sample_plan.group_size = config.eval_samples;
  sample_groups(sampler, format.tokenizer(), sample_plan, sampled);
  RolloutPlan greedy_plan = plan;
  greedy_plan.group_size = 1;
  greedy_plan.options.decoding = Decoding::greedy;
  sample_groups(sampler, format.tokenizer(), greedy_plan, greedy);

  const std::vector<ProblemCounts> counts = count(task, sampled, greedy);
  const auto* bytes = reinterpret_cast<const char*>(counts.data());
  ProblemCounts total;
  for (const std::string& part : world.all_gather({bytes, counts.size() * sizeof(ProblemCounts)})) {
    for (std::size_t at = 0; at < part.size(); at += sizeof(ProblemCounts)) {
      ProblemCounts one;
      std::memcpy(&one, part.data() + at, sizeof one);
      total.right += one.right;
      total.tokens += one.tokens;
      total.thinking += one.thinking;
      total.truncated += one.truncated;
      total.greedy_right += one.greedy_right;
    }
  }
  TaskEvaluation result;
  result.task = task.name();
  result.level = problems.empty() ? 0 : problems.front().level;
  result.n = static_cast<std::int64_t>(problems.size());
  result.samples = config.eval_samples;
  const auto n = static_cast<double>(result.n);
  const double all = n * static_cast<double>(config.eval_samples);
  result.pass_at_1 = total.right / all;
  result.ci95 = wilson_half_width(result.pass_at_1, n);
  result.greedy = total.greedy_right / n;
  result.mean_tokens = total.tokens / all;
  result.think_share = total.thinking / all;
  result.truncated = total.truncated / all;
  return result;
}

}  // namespace reckon
