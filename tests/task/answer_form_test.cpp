// Tasks whose completions give their answers in other forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/base/error.h"
#include "reckon/grade/answer_form.h"
#include "reckon/task/task.h"
#include "support/paths.h"

namespace reckon {
namespace {

constexpr auto kEos = FinishReason::eos;

TEST(TaskAnswerForm, ReferencesAreWrittenAndReadInTheForm) {
  for (const TaskKind kind : {TaskKind::arithmetic, TaskKind::knights}) {
    for (const auto& [form, name] : enum_names(AnswerForm{})) {
      const auto task = make_verifier(kind, {.form = form});
      for (const std::int64_t level : task->levels()) {
        const Problem problem = task->problem(level, Split::train, 5, 3);
        EXPECT_EQ(problem.direct, answer_in_form(form, problem.answer));
        EXPECT_EQ(problem.trace.substr(problem.trace.find("</think>") + 8), problem.direct);
        for (const std::string& completion : {problem.trace, problem.direct}) {
          EXPECT_EQ(grade_completion(*task, problem.spec, completion, kEos), Grade::equal) << completion;
          EXPECT_EQ(grade_completion(*task, problem.spec, completion, FinishReason::length),
                    Grade::no_answer);
        }
        // In any other form it is no answer.
        for (const auto& [other, other_name] : enum_names(AnswerForm{})) {
          if (other == form) continue;
          EXPECT_EQ(grade_completion(*task, problem.spec, answer_in_form(other, problem.answer), kEos),
                    Grade::no_answer)
              << name << " reads " << other_name;
        }
      }
    }
  }
}

TEST(TaskAnswerForm, TheDefaultIsTheTagAsItWas) {
  const auto task = make_verifier(TaskKind::arithmetic);
  const Problem problem = task->problem(1, Split::train, 0, 0);
  EXPECT_EQ(problem.direct, "<answer>" + problem.answer + "</answer>");
  EXPECT_TRUE(problem.trace.starts_with("<think>"));
  EXPECT_TRUE(problem.trace.ends_with("</think><answer>" + problem.answer + "</answer>"));
}

TEST(TaskAnswerForm, ADirectAnswerClosesItsThinkingWhereThatIsAsked) {
  const auto task =
      make_verifier(TaskKind::arithmetic, {.form = AnswerForm::boxed, .require_think_close = true});
  const Problem problem = task->problem(1, Split::train, 0, 0);
  EXPECT_EQ(problem.direct, "<think></think>\\boxed{" + problem.answer + "}");
  EXPECT_EQ(grade_completion(*task, problem.spec, problem.direct, kEos), Grade::equal);
  EXPECT_EQ(grade_completion(*task, problem.spec, "\\boxed{" + problem.answer + "}", kEos), Grade::no_answer);
}

TEST(TaskAnswerForm, ALongAnswerIsRefusedWithoutBeingGraded) {
  const auto task = make_verifier(TaskKind::arithmetic);
  const std::string spec = R"({"expression":"3+5"})";
  EXPECT_EQ(grade_completion(*task, spec, "<answer>8" + std::string(998, ' ') + "8</answer>", kEos),
            Grade::different);
  EXPECT_EQ(grade_completion(*task, spec, "<answer>8" + std::string(999, ' ') + "8</answer>", kEos),
            Grade::refused);
}

/// Says what it was given to grade.
class ListTask final : public Task {
 public:
  const std::string& name() const override { return name_; }
  TaskKind kind() const override { return TaskKind::jsonl; }
  std::vector<std::int64_t> levels() const override { return {1}; }
  std::string alphabet() const override { return ""; }
  Problem problem(std::int64_t, Split, std::uint64_t, std::uint64_t) const override { return {}; }
  Grade grade(std::string_view, std::string_view answer) const override {
    return answer == R"(\boxed{1}, \boxed{2})" ? Grade::equal : Grade::different;
  }
  bool answer_is_list(std::string_view spec) const override { return spec == "list"; }
  std::string wrong_answer(const Problem&) const override { return "3"; }
  std::optional<std::uint64_t> distinct_problems(std::int64_t) const override { return std::nullopt; }

 private:
  std::string name_ = "list";
};

TEST(TaskAnswerForm, JoinedBoxesAreOneAnswerOnlyWhereTheGoldIsAList) {
  ListTask task;
  task.use_answer_form({.form = AnswerForm::boxed});
  const std::string both = R"(so \boxed{1}, \boxed{2}.)";
  EXPECT_EQ(grade_completion(task, "list", both, kEos), Grade::equal);
  EXPECT_EQ(grade_completion(task, "number", both, kEos), Grade::different);
}

TEST(TaskAnswerForm, AFileCountsItsProblems) {
  const testing::TempDir folder;
  const auto file = folder.path() / "p.jsonl";
  testing::write_text(
      file, "{\"question\":\"a\",\"answer\":\"#### 1\"}\n{\"question\":\"b\",\"answer\":\"#### 2\"}\n");
  TaskConfig config;
  config.name = "p";
  config.kind = TaskKind::jsonl;
  config.path = file.string();
  config.split = FileSplit::held_out;
  const auto task = make_task(config, {.form = AnswerForm::hashes});
  EXPECT_EQ(task->num_file_problems(Split::held_out), 2u);
  EXPECT_EQ(task->num_file_problems(Split::train), 0u);
  EXPECT_EQ(make_verifier(TaskKind::arithmetic)->num_file_problems(Split::train), 0u);
  EXPECT_THAT(task->problem(1, Split::held_out, 0, 0).direct, ::testing::AnyOf("#### 1", "#### 2"));
}

// A template that ends in "<think>\n": what is graded begins as the whole text does.
TEST(TaskAnswerForm, TheGradedTextBeginsWithTheThinkingOfThePrompt) {
  Prompt prompt;
  prompt.text = "1+1=<think>\n";
  Completion completion;
  completion.text = "2\n</think>\n<answer>\n2\n</answer>";
  EXPECT_EQ(graded_text(prompt, completion), "<think>\n2\n</think>\n<answer>\n2\n</answer>");
  prompt.text = "1+1=";
  EXPECT_EQ(graded_text(prompt, completion), completion.text);
}

}  // namespace
}  // namespace reckon
