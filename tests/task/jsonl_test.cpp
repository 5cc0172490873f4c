#include "reckon/task/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "reckon/task/task.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;

std::string line_of(const std::string& question, const std::string& gold) {
  return "{\"question\": \"" + question + "\", \"answer\": \"so\\n#### " + gold + "\"}\n";
}

class JsonlFile : public ::testing::Test {
 protected:
  std::string write(const std::string& text) {
    path_ = (folder_.path() / "data.jsonl").string();
    testing::write_text(path_, text);
    return path_;
  }
  /// The message of load_jsonl() after the folder's name.
  std::string message_of(const std::string& text) {
    try {
      (void)load_jsonl(write(text));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      const std::string message = error.what();
      return message.substr(message.find("data.jsonl"));
    }
    return "no error";
  }
  testing::TempDir folder_;
  std::string path_;
};

TaskConfig config_of(const std::string& path) {
  TaskConfig config;
  config.name = "gsm8k";
  config.kind = TaskKind::jsonl;
  config.path = path;
  return config;
}

TEST_F(JsonlFile, MakesATraceOfTheReferenceSolution) {
  write(
      R"({"question": "16-3-4, twice?", "answer": "16-3 = <<16-3=13>>13 #### not yet\n13*2 = <<13*2=26>>26\n#### 26", "x": 1})");
  const auto file = load_jsonl(path_);
  ASSERT_EQ(file.problems.size(), 1u);
  EXPECT_EQ(file.problems[0].gold, "26");
  const auto task = make_task(config_of(path_));
  const Split split = split_of(problem_id(TaskKind::jsonl, "16-3-4, twice?"));
  const Problem problem = task->problem(1, split, 0, 0);
  EXPECT_EQ(problem.prompt, "16-3-4, twice?");
  EXPECT_EQ(problem.trace, "<think>16-3 = 13 #### not yet\n13*2 = 26</think><answer>26</answer>");
  EXPECT_EQ(problem.direct, "<answer>26</answer>");
  EXPECT_EQ(problem.spec, "{\"gold\":\"26\"}");
  EXPECT_EQ(problem.source, path_ + ":1");
  EXPECT_EQ(task->grade(problem.spec, "$26.00"), Grade::equal);
  EXPECT_EQ(task->grade(problem.spec, "13 26"), Grade::different);
  EXPECT_THROW((void)task->grade("{}", "26"), Error);
  EXPECT_EQ(task->alphabet(), "\n #*,-12346=?ceinotwy");
}

TEST_F(JsonlFile, NamesTheLineThatIsMalformed) {
  const std::string good = line_of("q", "1");
  EXPECT_THAT(message_of(good + "{\"question\": \"r\"\n"), HasSubstr("data.jsonl:2: not JSON: "));
  EXPECT_EQ(message_of(good + "\n"), "data.jsonl:2: the line is empty (need one JSON object a line)");
  EXPECT_EQ(message_of(good + "{\"question\": \"r\"}\n"),
            "data.jsonl:2: no \"answer\" or \"solution\" (need a string of one of these names)");
  EXPECT_EQ(
      message_of("{\"answer\": \"#### 1\"}"),
      "data.jsonl:1: no \"question\" or \"problem\" or \"prompt\" (need a string of one of these names)");
  EXPECT_EQ(message_of("{\"question\": 3, \"answer\": \"#### 1\"}"),
            "data.jsonl:1: \"question\" is a number (need a string)");
  EXPECT_EQ(message_of("{\"question\": \" \", \"answer\": \"#### 1\"}"),
            "data.jsonl:1: \"question\" is empty");
  EXPECT_EQ(message_of(good + line_of("r", "one")),
            "data.jsonl:2: \"one\" after #### is not a number (need one)");
  EXPECT_EQ(message_of(line_of("r", "")), "data.jsonl:1: \"\" after #### is not a number (need one)");
  EXPECT_EQ(message_of(good + line_of("</think>", "1")),
            "data.jsonl:2: the text holds the tag </think>, which marks completions");
  EXPECT_EQ(message_of(good + "{\"question\": \"" + std::string(10'000'000, 'x') + "\"}"),
            "data.jsonl:2: the line is longer than 4194304 bytes (need one JSON object a line)");
  EXPECT_EQ(message_of(""), "data.jsonl: the file is empty (need a problem a line)");
}

TEST_F(JsonlFile, ReadsTheShapesOfPublicMathematics) {
  const auto file = load_jsonl(write(
      R"({"problem": "p1", "level": "Level 5", "solution": "So $x = \\boxed{1}$, no: $x=\\boxed{ 12 }$."})"
      "\n"
      R"({"problem": "p2", "answer": "3/4", "solution": "Half of $\\frac{3}{2}$.", "unique_id": 7})"
      "\n"
      R"({"question": "p3", "answer": " -5\n"})"
      "\n"
      R"({"prompt": "p4", "answer": "We see $\\fbox{8}$"})"
      "\n"
      R"({"problem": "p5", "solution": "Thus \\boxed 9$ and \\boxed {10}"})"
      "\n"
      R"({"problem": "p6", "solution": "is $\\boxed 11$."})"
      "\n"
      R"({"problem": "p7", "answer": "a <<1+1=2>> #### 2", "solution": "\\boxed{3}"})"
      "\n"
      R"({"question": "q8", "problem": "p8", "answer": "6"})"));
  const auto is = [&](std::size_t i, const std::string& question, const std::string& gold,
                      const std::string& reasoning) {
    EXPECT_EQ(file.problems.at(i).question, question);
    EXPECT_EQ(file.problems.at(i).gold, gold) << question;
    EXPECT_EQ(file.problems.at(i).reasoning, reasoning) << question;
    EXPECT_EQ(file.problems.at(i).line, i + 1);
  };
  is(0, "p1", "12", R"(So $x = \boxed{1}$, no: $x=\boxed{ 12 }$.)");
  is(1, "p2", "3/4", R"(Half of $\frac{3}{2}$.)");
  is(2, "p3", "-5", "");
  is(3, "p4", "8", R"(We see $\fbox{8}$)");
  is(4, "p5", "10", R"(Thus \boxed 9$ and \boxed {10})");
  is(5, "p6", "11", R"(is $\boxed 11$.)");
  is(6, "p7", "2", "a");  // as GSM8K, whatever stands beside it
  is(7, "q8", "6", "");
  const auto task = make_task(config_of(path_));
  for (std::uint64_t index = 0; index < 3; ++index) {
    const Problem problem = task->problem(1, Split::train, 0, index);
    EXPECT_EQ(problem.spec, "{\"gold\":\"" + problem.answer + "\"}");
    EXPECT_EQ(task->grade(problem.spec, problem.answer), Grade::equal);
  }
}

TEST_F(JsonlFile, NamesTheLineWhoseFinalAnswerCannotBeGraded) {
  const std::string good = line_of("q", "1");
  EXPECT_EQ(message_of(good + R"({"problem": "p", "solution": "so it is 5"})"),
            "data.jsonl:2: \"solution\" has no \\boxed{...} (need the final answer in it)");
  EXPECT_EQ(
      message_of(good + R"({"problem": "p", "solution": "so \\boxed{5"})"),
      "data.jsonl:2: the final answer of \"solution\" is \"\", which cannot be graded (need an answer that "
      "equals itself)");
  // An escaped brace does not close the box.
  EXPECT_EQ(
      message_of(R"({"problem": "p", "solution": "so \\boxed{\\}"})"),
      "data.jsonl:1: the final answer of \"solution\" is \"\", which cannot be graded (need an answer that "
      "equals itself)");
  EXPECT_EQ(
      message_of(R"({"problem": "p", "answer": "2 +* ("})"),
      "data.jsonl:1: the final answer of \"answer\" is \"2 +* (\", which cannot be graded (need an answer "
      "that equals itself)");
  EXPECT_EQ(
      message_of(R"({"problem": "p", "answer": ""})"),
      "data.jsonl:1: the final answer of \"answer\" is \"\", which cannot be graded (need an answer that "
      "equals itself)");
  EXPECT_EQ(message_of(R"({"problem": "p", "answer": 5})"),
            "data.jsonl:1: \"answer\" is a number (need a string)");
  EXPECT_EQ(message_of(R"({"prompt": ["p"], "answer": "5"})"),
            "data.jsonl:1: \"prompt\" is a array (need a string)");
  EXPECT_EQ(message_of(R"({"problem": "p", "answer": "5", "solution": "<think>"})"),
            "data.jsonl:1: the text holds the tag <think>, which marks completions");
  EXPECT_EQ(message_of(R"({"problem": "p", "answer": "5"})"
                       "\n"
                       R"({"question": "p", "answer": "#### 6"})"),
            "data.jsonl:2: the question of line 1 with gold 6 in place of 5 (need one gold)");
}

TEST_F(JsonlFile, LeavesTheAnswersToAProgramThatGrades) {
  write(R"({"question": "q", "answer": "by hand #### a tie", "tests": [1], "solution": "x"})"
        "\n"
        R"({"problem": "p", "answer": "Paris"})");
  const auto file = load_jsonl(path_, GoldCheck::none);
  EXPECT_EQ(file.problems[0].gold, "a tie");
  EXPECT_EQ(file.problems[0].other_keys, "{\"tests\":[1]}");
  EXPECT_EQ(file.problems[1].gold, "Paris");
  EXPECT_EQ(file.problems[1].other_keys, "{}");
  write(R"({"question": "q", "answer": "Paris", "gold": 3})");
  try {
    (void)load_jsonl(path_, GoldCheck::none);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(),
              path_ +
                  ":1: the key \"gold\" (need another name: the program is given the final answer "
                  "under it)");
  }
}

TEST_F(JsonlFile, CountsDuplicatesAndRefusesTwoGolds) {
  const auto file = load_jsonl(write(line_of("q", "1,000") + line_of("r", "2") + line_of("q", "1000")));
  EXPECT_EQ(file.problems.size(), 2u);
  EXPECT_EQ(file.num_duplicates, 1u);
  EXPECT_EQ(message_of(line_of("q", "1") + line_of("r", "2") + line_of("q", "3")),
            "data.jsonl:3: the question of line 1 with gold 3 in place of 1 (need one gold)");
}

TEST_F(JsonlFile, SaysThatAFileIsMissing) {
  for (const std::string& path : {folder_.path().string() + "/none.jsonl", folder_.path().string()}) {
    try {
      (void)load_jsonl(path);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::missing_input);
      EXPECT_EQ(error.what(), path + ": cannot be read (need a file of JSON lines)");
    }
  }
}

TEST_F(JsonlFile, GivesEachProblemOnceInAPassInAnOrderOfTheSeed) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += line_of("question " + std::to_string(i), std::to_string(i));
  const auto task = make_task(config_of(write(text)));
  std::set<std::string> train;
  std::size_t num_train = 0;
  while (train.insert(task->problem(1, Split::train, 1, num_train).prompt).second) ++num_train;
  EXPECT_NEAR(static_cast<double>(num_train), 300 * 7 / 8.0, 30);
  const auto order = [&](std::uint64_t seed, std::uint64_t pass) {
    std::vector<std::string> prompts;
    for (std::uint64_t i = 0; i < num_train; ++i) {
      prompts.push_back(task->problem(1, Split::train, seed, pass * num_train + i).prompt);
    }
    return prompts;
  };
  const auto first = order(1, 0);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), num_train);
  EXPECT_EQ(order(1, 0), first);
  EXPECT_NE(order(1, 1), first);
  EXPECT_NE(order(2, 0), first);
  const auto held_out = held_out_set(*task, 1, 300 - num_train);
  for (const Problem& problem : held_out) EXPECT_FALSE(train.contains(problem.prompt));
  try {
    (void)held_out_set(*task, 1, 301 - num_train);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("distinct held-out problems (need "));
  }
}

TEST_F(JsonlFile, AFileMayBeAllTrainingOrAllHeldOut) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += line_of("question " + std::to_string(i), std::to_string(i));
  TaskConfig config = config_of(write(text));
  config.split = FileSplit::train;
  const auto train = make_task(config);
  EXPECT_TRUE(train->has_problems(Split::train));
  EXPECT_FALSE(train->has_problems(Split::held_out));
  std::set<std::string> prompts;
  for (std::uint64_t i = 0; i < 40; ++i) prompts.insert(train->problem(1, Split::train, 1, i).prompt);
  EXPECT_EQ(prompts.size(), 40u);
  config.split = FileSplit::held_out;
  const auto test = make_task(config);
  EXPECT_FALSE(test->has_problems(Split::train));
  EXPECT_EQ(held_out_set(*test, 1, 40).size(), 40u);
  try {
    (void)test->problem(1, Split::train, 1, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("has no train problem"));
  }
}

TEST(Gsm8k, LoadsWholeAndEachReferenceSolutionIsRight) {
  const auto data = testing::shared_data();
  if (!data || !std::filesystem::exists(*data / "gsm8k/test.jsonl")) GTEST_SKIP() << "no gsm8k/test.jsonl";
  const auto path = (*data / "gsm8k/test.jsonl").string();
  const auto file = load_jsonl(path);
  EXPECT_EQ(file.problems.size(), 1319u);
  EXPECT_EQ(file.num_duplicates, 0u);
  const auto task = make_task(config_of(path));
  std::set<std::string> seen;
  for (const Split split : {Split::train, Split::held_out}) {
    for (std::uint64_t index = 0; seen.size() < 1319; ++index) {
      const Problem problem = task->problem(1, split, 4, index);
      if (!seen.insert(problem.prompt).second) break;  // the second pass begins
      for (const std::string& completion : {problem.trace, problem.direct}) {
        EXPECT_EQ(grade_completion(*task, problem.spec, completion, FinishReason::eos), Grade::equal)
            << completion;
        EXPECT_TRUE(well_formed(completion)) << completion;
      }
      EXPECT_EQ(problem.trace.find("<<"), std::string::npos);
      EXPECT_EQ(task->grade(problem.spec, task->wrong_answer(problem)), Grade::different);
    }
  }
  EXPECT_EQ(seen.size(), 1319u);
}

TEST(CalculatorMarks, AreRemovedAndNothingElse) {
  EXPECT_EQ(without_calculator_marks("2*3 = <<2*3=6>>6, 6+1 = <<6+1=7>>7"), "2*3 = 6, 6+1 = 7");
  EXPECT_EQ(without_calculator_marks("1 < 2 << 3"), "1 < 2 << 3");
  EXPECT_EQ(without_calculator_marks(">> a <<b>>"), ">> a ");
  EXPECT_EQ(without_calculator_marks(""), "");
}

}  // namespace
}  // namespace reckon
