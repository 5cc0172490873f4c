// Tasks of kind command, and files graded by a program.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "program_test.h"
#include "reckon/reward/reward.h"
#include "reckon/reward/self_test.h"
#include "reckon/task/task.h"
#include "support/processes.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TaskConfig reversing() {
  TaskConfig config;
  config.name = "reverse";
  config.kind = TaskKind::command;
  config.levels = {1, 2, 3};
  config.source.command = {"python3", (testing::source_dir() / "examples/reverse_words.py").string()};
  return config;
}

TEST(OwnTask, MakesProblemsAndGradesThem) {
  const auto task = make_task(reversing());
  EXPECT_EQ(task->kind(), TaskKind::command);
  EXPECT_EQ(task->levels(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(task->alphabet(), " 123456789;=bdfgklmnprstaeiou");
  EXPECT_NO_THROW(check_grader(*task, task->levels()));
  const Problem problem = task->problem(2, Split::train, 7, 12);
  const json spec = json::parse(problem.spec);
  ASSERT_EQ(spec.at("words").size(), 3u);
  const auto word = [&](std::size_t i) { return spec.at("words").at(i).get<std::string>(); };
  EXPECT_EQ(problem.prompt, word(0) + " " + word(1) + " " + word(2) + "=");
  EXPECT_EQ(problem.answer, word(2) + " " + word(1) + " " + word(0));
  EXPECT_EQ(problem.trace, "<think>1 " + word(0) + ";2 " + word(1) + ";3 " + word(2) + "</think><answer>" +
                               problem.answer + "</answer>");
  EXPECT_EQ(problem.direct, "<answer>" + problem.answer + "</answer>");
  EXPECT_EQ(problem.id, problem_id(TaskKind::command, problem.prompt));
  EXPECT_EQ(problem.task, "reverse");
  EXPECT_EQ(problem.level, 2);
  EXPECT_EQ(problem.index, 12u);
  EXPECT_EQ(problem.source, "generated");
  // Words in their places from the front on: none, one, two of three pay 0, 1/6, 2/6.
  const auto credit = [&](const std::string& answer) {
    return task->graded(problem.spec, answer, "").credit;
  };
  EXPECT_EQ(credit(problem.answer), 1.0);
  EXPECT_EQ(credit(problem.wrong_answer), 0.0);
  EXPECT_EQ(credit(word(2)), 0.5 / 3);
  EXPECT_EQ(credit(word(2) + " " + word(1) + " bab"), 0.5 * 2 / 3);
  EXPECT_EQ(task->grade(problem.spec, word(2)), Grade::different);
  EXPECT_EQ(task->grade(problem.spec, problem.answer), Grade::equal);
}

TEST(OwnTask, KeepsTheSplit) {
  const auto task = make_task(reversing());
  std::set<std::uint64_t> train;
  for (std::uint64_t index = 0; index < 300; ++index) {
    const Problem problem = task->problem(1, Split::train, 3, index);
    EXPECT_EQ(split_of(problem.id), Split::train);
    train.insert(problem.id);
  }
  EXPECT_GT(train.size(), 290u);  // of 518,000 pairs
  const auto held_out = held_out_set(*task, 1, 64);
  for (const Problem& problem : held_out) {
    EXPECT_EQ(split_of(problem.id), Split::held_out);
    EXPECT_FALSE(train.contains(problem.id));
  }
}

TEST(OwnTask, IsAPureFunctionOfItsArguments) {
  const auto task = make_task(reversing());
  const auto again = make_task(reversing());
  std::vector<std::string> prompts;
  for (std::uint64_t index = 0; index < 30; ++index)
    prompts.push_back(task->problem(3, Split::held_out, ~std::uint64_t{0} - 1, index).prompt);
  for (std::uint64_t index = 30; index-- > 0;) {
    EXPECT_EQ(again->problem(3, Split::held_out, ~std::uint64_t{0} - 1, index).prompt, prompts[index]);
  }
  EXPECT_NE(task->problem(3, Split::held_out, ~std::uint64_t{0}, 0).prompt, prompts[0]);
}

TEST(OwnTask, TheDocumentedProgramIsTheOneThatRuns) {
  const std::string docs = testing::read_text(testing::source_dir() / "docs/own-task.md");
  const std::string program = testing::read_text(testing::source_dir() / "examples/reverse_words.py");
  EXPECT_THAT(docs, HasSubstr("```python\n" + program + "```\n"));
}

class FaultyTask : public FaultyProgram {
 protected:
  void TearDown() override { EXPECT_TRUE(testing::all_gone(folder_.path().filename())); }
  std::string start_error(const std::string& mode, const std::string& change = "{}") {
    return message_of([&] { (void)make_task(task(mode, change)); });
  }
  /// The message about a problem in which some keys are changed.
  std::string problem_error(const std::string& change) {
    std::string text = start_error("bad_problem", change);
    const std::string before =
        "task \"mine\": program P: asked for the problem of level 1, split train, seed 0, index 0, draw 0, "
        "it gave a "
        "problem: ";
    EXPECT_EQ(text.substr(0, before.size()), before);
    return text.substr(std::min(before.size(), text.size()));
  }
};

TEST_F(FaultyTask, AHelloMustNameLevels) {
  const auto error = [&](const std::string& rest) {
    return start_error("hello", R"({"protocol": "reckon.task/1")" + rest + "}");
  };
  const std::string need = " (need \"levels\": whole numbers from 1 to 100, rising)";
  EXPECT_EQ(error(""), "task \"mine\": program P: its first line has no \"levels\"" + need);
  EXPECT_EQ(error(R"(, "levels": 1)"), "task \"mine\": program P: its first line has \"levels\": 1" + need);
  EXPECT_EQ(error(R"(, "levels": [])"), "task \"mine\": program P: its first line has \"levels\": []" + need);
  EXPECT_EQ(error(R"(, "levels": [2, 1])"),
            "task \"mine\": program P: its first line has \"levels\": [2,1]" + need);
  EXPECT_EQ(error(R"(, "levels": [1.5])"),
            "task \"mine\": program P: its first line has \"levels\": [1.5]" + need);
  EXPECT_EQ(error(R"(, "levels": [101])"),
            "task \"mine\": program P: its first line has \"levels\": [101]" + need);
  EXPECT_EQ(error(R"(, "levels": [1], "alphabet": 3)"),
            "task \"mine\": program P: its first line: \"alphabet\" is a number (need a string)");
  TaskConfig config = task("good");
  config.levels = {2};
  EXPECT_EQ(message_of([&] { (void)make_task(config); }, ExitCode::usage),
            "task \"mine\": kind command has no level 2 (need one of 1, 3)");
  config.source.command.clear();
  EXPECT_EQ(message_of([&] { (void)make_task(config); }, ExitCode::usage),
            "task \"mine\": kind command without a program (need source = { command = [...] })");
}

TEST_F(FaultyTask, AProblemMustBeWhole) {
  EXPECT_EQ(problem_error(R"({"prompt": null})"), "no \"prompt\" (need a string of that name)");
  EXPECT_EQ(problem_error(R"({"answer": 3})"), "\"answer\" is a number (need a string)");
  EXPECT_EQ(problem_error(R"({"wrong_answer": null})"), "no \"wrong_answer\" (need a string of that name)");
  EXPECT_EQ(problem_error(R"({"prompt": " "})"), "\"prompt\" is empty");
  EXPECT_EQ(problem_error(R"({"answer": "7 "})"), "\"answer\" is \"7 \" (need no blanks around it)");
  EXPECT_EQ(problem_error(R"({"spec": "7"})"),
            "no object \"spec\" (need what the program is to grade by; {} for nothing)");
  EXPECT_EQ(problem_error(R"({"steps": "a</think>"})"),
            "\"steps\" holds the tag </think>, which marks completions");
  EXPECT_EQ(problem_error(R"({"stps": "a"})"),
            "unknown key \"stps\" (known: prompt, spec, answer, wrong_answer, steps)");
}

TEST_F(FaultyTask, AProgramThatIsNoFunctionOfTheRequestIsStopped) {
  const std::string stateful = start_error("stateful");
  EXPECT_THAT(stateful,
              HasSubstr("task \"mine\": program P: the answer of level 3, split train, seed 0, index 3, "
                        "draw 0 is \""));
  EXPECT_THAT(stateful, HasSubstr("\" and, asked again in another order, \""));
  EXPECT_THAT(stateful,
              HasSubstr("\" (need a problem that is a function of level, split, seed, index and draw). Does "
                        "it keep a generator from one request to the next?"));
  EXPECT_THAT(start_error("hash"), HasSubstr("started again"));
  EXPECT_THAT(start_error("moody"), HasSubstr("program P: grades \"none\" for "));
  EXPECT_THAT(start_error("moody"), HasSubstr("as before it was started again)"));
}

TEST_F(FaultyTask, AProgramThatPaysEverythingOrNothingIsStopped) {
  EXPECT_THAT(start_error("pays_all"),
              HasSubstr("equal with reward 1.0 (need less than 1 and \"different\": it is "
                        "the wrong answer)"));
  EXPECT_THAT(start_error("pays_nothing"),
              HasSubstr("different with reward 0.25 (need 1: it is the right answer)"));
}

TEST_F(FaultyTask, ADrawMustBeAnotherProblem) {
  ASSERT_EQ(split_of(problem_id(TaskKind::command, "7")), Split::held_out);
  const auto made = make_task(task("one_problem"));
  EXPECT_EQ(made->problem(1, Split::held_out, 0, 5).prompt, "7");
  EXPECT_EQ(message_of([&] { (void)made->problem(1, Split::train, 0, 5); }),
            "task \"mine\": program P: every draw up to that of level 1, split train, seed 0, index 5, draw "
            "63 is \"7\" (need "
            "another problem for each draw). Does it use \"draw\"?");
}

TEST_F(FaultyTask, AProblemThatCannotBeMadeStopsTheRun) {
  const auto made = make_task(task("seven_is_hard"));
  EXPECT_EQ(made->problem(1, Split::train, 0, 6).index, 6u);
  EXPECT_EQ(message_of([&] { (void)made->problem(1, Split::train, 0, 7); }),
            "task \"mine\": program P: asked twice for the problem of level 1, split train, seed 0, index 7, "
            "draw 0, "
            "it ended with code 4 before it answered");
  EXPECT_EQ(made->problem(1, Split::train, 0, 8).index, 8u);
}

TEST_F(FaultyTask, AFailureIsNeverPaidAndTellsWhoseItIs) {
  TaskConfig config = task("good");
  config.source.grade_seconds = 1.5;
  const auto made = make_task(config);
  const auto graded = [&](const std::string& answer) {
    return made->graded(R"({"gold": "7"})", answer, answer);
  };
  const auto is = [&](const std::string& answer, Grade grade, double credit) {
    const Graded found = graded(answer);
    EXPECT_EQ(found.grade, grade) << answer;
    EXPECT_EQ(found.credit, credit) << answer;
  };
  is("7", Grade::equal, 1);
  is("hang", Grade::timeout, 0);  // wrong: nobody gains by keeping the grader busy
  EXPECT_EQ(verdict_of(Grade::timeout), Verdict::wrong);
  for (const std::string answer : {"crash", "garbage", "memory", "half"}) is(answer, Grade::grader_failed, 0);
  // What is no number is never a reward: Python writes NaN and Infinity, which are no JSON.
  for (const std::string answer : {R"({"reward": NaN})", R"({"reward": Infinity})", "overflow"})
    is(answer, Grade::grader_failed, 0);
  EXPECT_EQ(verdict_of(Grade::grader_failed), Verdict::grader_failed);
  is("8", Grade::different, 0);
  // What a grade reply may be.
  is(R"({"reward": 1})", Grade::equal, 1);
  is(R"({"reward": 0.75})", Grade::different, 0.75);
  is(R"({"reward": 0})", Grade::different, 0);
  is(R"({"grade": "refused"})", Grade::refused, 0);
  is(R"({"grade": "gold_unparseable"})", Grade::gold_unparseable, 0);
  for (const char* reply : {R"({"reward": 1.01})", R"({"reward": -0.5})", R"({"reward": true})",
                            R"({"reward": "1"})", R"({"grade": "right"})", R"({"grade": 1})",
                            R"({"reward": 1, "grade": "equal"})", "{}", R"({"reward": 1, "note": "x"})"}) {
    is(reply, Grade::grader_failed, 0);
  }
  is("7", Grade::equal, 1);
}

TEST_F(FaultyTask,
       ACrashThatDoesNotHappenAgainCostsNothing) {  // starts: two for the check, a third for the retry
  const auto made = make_task(task("good"));
  EXPECT_EQ(num_starts(), 2u);
  EXPECT_EQ(made->graded(R"({"gold": "crash once"})", "crash once", "").grade, Grade::equal);
  EXPECT_EQ(num_starts(), 3u);
}

TEST_F(FaultyTask, GivesTheProgramTheWholeCompletion) {
  const auto made = make_task(task("good"));
  const std::string_view spec = R"({"gold": "7"})";
  EXPECT_EQ(graded_completion(*made, spec, "so <answer>completion</answer>", FinishReason::eos).credit, 0.5);
  EXPECT_EQ(graded_completion(*made, spec, "<answer>completion</answer>", FinishReason::eos).credit, 0);
  const std::size_t starts = num_starts();
  EXPECT_EQ(graded_completion(*made, spec, "crash", FinishReason::eos).grade, Grade::no_answer);
  EXPECT_EQ(graded_completion(*made, spec, "<answer>crash</answer>", FinishReason::length).grade,
            Grade::no_answer);
  EXPECT_EQ(num_starts(), starts);  // no answer: the program was not asked
}

TEST_F(FaultyTask, AFileMayBeGradedByAProgram) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += json{{"problem", "p" + std::to_string(i)}, {"answer", "g" + std::to_string(i)}, {"tests", {i}}}
                .dump() +
            "\n";
  }
  testing::write_text(folder_.path() / "p.jsonl", text);
  TaskConfig config;
  config.name = "mine";
  config.kind = TaskKind::jsonl;
  config.path = (folder_.path() / "p.jsonl").string();
  config.grader = program("good");
  const auto made = make_task(config);
  const Problem problem = made->problem(1, Split::train, 0, 0);
  const std::string number = problem.prompt.substr(1);
  EXPECT_EQ(json::parse(problem.spec), json({{"gold", "g" + number}, {"tests", {std::stoi(number)}}}));
  EXPECT_EQ(made->grade(problem.spec, "g" + number), Grade::equal);
  EXPECT_EQ(made->grade(problem.spec, "7"), Grade::different);
  EXPECT_EQ(made->graded(problem.spec, "completion", "so <answer>completion</answer>").credit, 0.5);
  EXPECT_NO_THROW(check_grader(*made, std::vector<std::int64_t>{1}));
  config.grader =
      program("hello", R"({"protocol": "reckon.task/1"})");  // levels are for programs that make problems
  EXPECT_NO_THROW((void)make_task(config));
  config.grader = program("pays_all");
  EXPECT_THAT(message_of([&] { (void)make_task(config); }),
              HasSubstr("task \"mine\": program P: grades \"g01\" for \"p0\" equal with reward 1.0"));
}

}  // namespace
}  // namespace reckon
