#include "reckon/reward/reward.h"

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/grade/extract.h"
#include "reckon/text/tokenizer.h"

namespace reckon {
namespace {

constexpr std::uint64_t kRandomRewardStream =
    0x72616E646F6Du;  // keeps these coins apart from other uses of the seed
constexpr std::uint64_t kCheckedProblems = 4;

float coin(std::uint64_t seed, const Group& group, const Completion& completion) {
  RandomStream random(mix64(seed, kRandomRewardStream, group.prompt.id, group.visit),
                      completion.sample_index);
  return static_cast<float>(random.below(2));
}

void expect_grade(const Task& task, const Problem& problem, const std::string& completion,
                  FinishReason finish, Grade expected) {
  const Grade grade = grade_completion(task, problem.spec, completion, finish);
  if (grade == expected) return;
  throw Error(ExitCode::internal, "task \"" + task.name() + "\" level " + std::to_string(problem.level) +
                                      ": the grader says " + std::string(enum_name(grade)) + " to " +
                                      completion + " for " + problem.prompt + " (need " +
                                      std::string(enum_name(expected)) + ")");
}

}  // namespace

std::vector<std::string> reward_term_names() {
  return {"accuracy", "format", "random"};
}

void grade_group(const Task& task, const RewardConfig& weights, std::uint64_t seed, Group& group) {
  for (Completion& completion : group.completions) {
    const std::string text = graded_text(group.prompt, completion);
    completion.grade = grade_completion(task, group.prompt.spec, text, completion.finish_reason);
    completion.verdict = verdict_of(completion.grade);
    completion.reward_terms.assign(3, 0.0f);
    completion.reward = 0.0f;
    if (completion.verdict == Verdict::grader_failed) continue;
    const bool formed = completion.finish_reason == FinishReason::eos && well_formed(text);
    const float accuracy = completion.verdict == Verdict::right ? 1.0f : 0.0f;
    const float format = formed ? 1.0f : 0.0f;
    const float random = coin(seed, group, completion);
    completion.reward_terms = {accuracy, format, random};
    completion.reward =
        static_cast<float>(weights.accuracy * accuracy + weights.format * format + weights.random * random);
  }
}

void check_grader(const Task& task, std::span<const std::int64_t> levels) {
  const Split side = task.has_problems(Split::train) ? Split::train : Split::held_out;
  for (const std::int64_t level : levels) {
    for (std::uint64_t index = 0; index < kCheckedProblems; ++index) {
      const Problem problem = task.problem(level, side, 0, index);
      for (const std::string* completion : {&problem.trace, &problem.direct}) {
        expect_grade(task, problem, *completion, FinishReason::eos, Grade::equal);
        expect_grade(task, problem, *completion, FinishReason::length, Grade::no_answer);
        if (!well_formed(*completion)) {
          throw Error(ExitCode::internal,
                      "task \"" + task.name() + "\": a reference is not well formed: " + *completion);
        }
      }
      const std::string wrong =
          std::string(kAnswerOpen) + task.wrong_answer(problem) + std::string(kAnswerClose);
      expect_grade(task, problem, wrong, FinishReason::eos, Grade::different);
    }
  }
}

}  // namespace reckon
