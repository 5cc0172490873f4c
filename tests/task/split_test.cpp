#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "reckon/base/error.h"
#include "reckon/task/task.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;

struct Level {
  TaskKind kind;
  std::int64_t level;
};

class Generators : public ::testing::TestWithParam<Level> {};

TEST_P(Generators, TrainAndHeldOutNeverMeet) {
  const auto task = make_verifier(GetParam().kind);
  const std::size_t count = testing::sweep_size(4000, 20'000);
  std::set<std::string> train;
  std::set<std::uint64_t> train_ids;
  for (std::uint64_t index = 0; index < count; ++index) {
    const Problem problem = task->problem(GetParam().level, Split::train, index % 3, index);
    train.insert(problem.prompt);
    train_ids.insert(problem.id);
  }
  EXPECT_EQ(train.size(), train_ids.size());  // same prompt, same id; another prompt, another id
  for (std::uint64_t index = 0; index < count; ++index) {
    const Problem problem = task->problem(GetParam().level, Split::held_out, 7 + index % 3, index);
    ASSERT_FALSE(train.contains(problem.prompt)) << problem.prompt;
    ASSERT_FALSE(train_ids.contains(problem.id)) << problem.prompt;
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, Generators,
                         ::testing::Values(Level{TaskKind::arithmetic, 2}, Level{TaskKind::arithmetic, 5},
                                           Level{TaskKind::arithmetic, 8}, Level{TaskKind::knights, 2},
                                           Level{TaskKind::knights, 5}));

TEST(Generator, IsAPureFunctionOfItsArguments) {
  for (const TaskKind kind : {TaskKind::arithmetic, TaskKind::knights}) {
    const auto task = make_verifier(kind);
    const auto again = make_verifier(kind);
    std::vector<std::string> prompts;
    for (std::uint64_t index = 0; index < 50; ++index)
      prompts.push_back(task->problem(5, Split::train, 9, index).prompt);
    for (std::uint64_t index = 50; index-- > 0;) {  // backwards, in another object
      const Problem problem = again->problem(5, Split::train, 9, index);
      EXPECT_EQ(problem.prompt, prompts[index]);
      EXPECT_EQ(problem.index, index);
      EXPECT_EQ(problem.level, 5);
      EXPECT_EQ(problem.source, "generated");
      EXPECT_EQ(problem.id, problem_id(kind, problem.prompt));
    }
    EXPECT_NE(task->problem(5, Split::train, 10, 0).prompt, prompts[0]);
    EXPECT_NE(task->problem(5, Split::train, 9, std::uint64_t{1} << 32).prompt,
              prompts[0]);  // all of the index counts
  }
}

TEST(Generator,
     DrawsTheSameProblemsForEver) {  // pinned: a change here changes every run and every held-out set
  const auto arithmetic = make_verifier(TaskKind::arithmetic);
  EXPECT_EQ(arithmetic->problem(5, Split::train, 1, 0).prompt, "6-5-7-5-0-1=");
  EXPECT_EQ(arithmetic->problem(7, Split::held_out, 0, 3).prompt, "(2*2)*(0*0)=");
  EXPECT_EQ(make_verifier(TaskKind::knights)->problem(2, Split::held_out, 0, 0).prompt,
            "A:~A&~C;B:A;C:~A|C?");
}

TEST(Split, HoldsOutAnEighth) {
  int held_out = 0;
  for (int i = 0; i < 80'000; ++i) {
    const std::uint64_t id = problem_id(TaskKind::arithmetic, std::to_string(i));
    held_out += split_of(id) == Split::held_out ? 1 : 0;
  }
  EXPECT_NEAR(held_out, 10'000, 470);  // five standard deviations of 94
}

TEST(Split, IdsAreSha256) {  // printf 'arithmetic\n3+5=' | sha256sum
  EXPECT_EQ(problem_id(TaskKind::arithmetic, "3+5="), 0xd31283467b4abc0eu);
  EXPECT_NE(problem_id(TaskKind::knights, "3+5="), problem_id(TaskKind::arithmetic, "3+5="));
}

TEST(HeldOutSet, IsDistinctAndAlwaysTheSame) {
  const auto task = make_verifier(TaskKind::knights);
  const auto set = held_out_set(*task, 2, 512);
  const auto longer = held_out_set(*task, 2, 600);
  std::set<std::string> prompts;
  for (std::size_t i = 0; i < set.size(); ++i) {
    EXPECT_EQ(split_of(set[i].id), Split::held_out);
    EXPECT_TRUE(prompts.insert(set[i].prompt).second);
    EXPECT_EQ(longer[i].id, set[i].id);
  }
  EXPECT_EQ(prompts.size(), 512u);
}

std::string usage_error(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "no error";
}

TEST(HeldOutSet, RefusesALevelWithTooFewProblems) {
  const auto task = make_verifier(TaskKind::arithmetic);
  EXPECT_EQ(usage_error([&] { (void)held_out_set(*task, 1, 10); }),
            "task \"arithmetic\" level 1: only 200 distinct problems, too few to evaluate on (need at least "
            "2048). Set "
            "eval_level to a higher level.");
  EXPECT_THAT(usage_error([&] { (void)held_out_set(*task, 2, 1000); }),  // of 4,000 an eighth is held out
              HasSubstr("distinct held-out problems (need 1000). Lower eval_prompts"));
}

TEST(MakeTask, MakesEveryKindUnderItsNameAndNumber) {
  std::set<int> numbers;
  for (const auto& [kind, name] : enum_names(TaskKind{})) {
    if (kind != TaskKind::command) {  // which needs a program
      const auto task = make_verifier(kind);
      EXPECT_EQ(task->kind(), kind);
      EXPECT_EQ(task->name(), name);
    }
    EXPECT_TRUE(numbers.insert(static_cast<int>(kind)).second) << name;
  }
}

TEST(MakeTask, RefusesWrongConfigurations) {
  TaskConfig config;
  config.name = "chains";
  config.levels = {1, 9};
  EXPECT_EQ(usage_error([&] { (void)make_task(config); }),
            "task \"chains\": kind arithmetic has no level 9 (need one of 1, 2, 3, 4, 5, 6, 7, 8)");
  config.levels = {1};
  config.eval_level = 12;
  EXPECT_THAT(usage_error([&] { (void)make_task(config); }), HasSubstr("no level 12"));
  config.eval_level = 0;
  config.path = "x.jsonl";
  EXPECT_THAT(usage_error([&] { (void)make_task(config); }), HasSubstr("path \"x.jsonl\" is not used"));
  config.kind = TaskKind::jsonl;
  config.path = "";
  EXPECT_THAT(usage_error([&] { (void)make_task(config); }), HasSubstr("kind jsonl without a path"));
  EXPECT_THAT(usage_error([] { (void)make_verifier(TaskKind::jsonl)->problem(1, Split::train, 0, 0); }),
              HasSubstr("no file has no train problem"));
  config.kind = TaskKind::knights;
  config.name = "people";
  EXPECT_EQ(make_task(config)->problem(1, Split::train, 0, 0).task, "people");
}

TEST(GradeCompletion, PaysNoCutOffCompletion) {
  const auto task = make_verifier(TaskKind::arithmetic);
  const std::string_view spec = R"({"expression":"3+5"})";
  const auto grade = [&](std::string_view text, FinishReason finish) {
    return grade_completion(*task, spec, text, finish);
  };
  EXPECT_EQ(grade("<answer>8</answer>", FinishReason::eos), Grade::equal);
  EXPECT_EQ(grade("<answer>8</answer>", FinishReason::length), Grade::no_answer);
  EXPECT_EQ(grade("<think>3+5=8", FinishReason::length), Grade::no_answer);
  EXPECT_EQ(grade("8", FinishReason::eos), Grade::no_answer);
  EXPECT_EQ(grade("<answer>7</answer>", FinishReason::eos), Grade::different);
  EXPECT_EQ(grade("<think>3+5=8</think><answer>7</answer>", FinishReason::eos), Grade::different);
  EXPECT_EQ(grade("<answer>0123456789</answer>", FinishReason::eos), Grade::different);
}

}  // namespace
}  // namespace reckon
