#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "../../src/app/commands.h"
#include "reckon/base/error.h"
#include "reckon/task/task.h"
#include "support/paths.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Outcome {
  int code = 0;
  std::string output;
  std::string error;
};

Outcome run(const std::string& arguments, const std::string& input = "") {
  CLI::App program;
  add_task_command(program);
  std::istringstream in(input);
  std::ostringstream out;
  auto* const real_in = std::cin.rdbuf(in.rdbuf());
  auto* const real_out = std::cout.rdbuf(out.rdbuf());
  Outcome outcome;
  try {
    program.parse(arguments);
  } catch (const Error& error) {
    outcome.code = static_cast<int>(error.code());
    outcome.error = error.what();
  } catch (const CLI::ParseError& error) {
    outcome.code = 2;
    outcome.error = error.what();
  }
  std::cin.rdbuf(real_in);
  std::cout.rdbuf(real_out);
  outcome.output = out.str();
  return outcome;
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::string kind_names() {
  std::string names;
  for (const auto& entry : enum_names(TaskKind{}))
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

TEST(TaskList, ShowsEveryLevel) {
  const Outcome outcome = run("task list");
  EXPECT_EQ(outcome.code, 0);
  std::size_t num_levels = 0;
  for (const auto& [kind, name] : enum_names(TaskKind{})) {
    num_levels += kind == TaskKind::command ? 1 : make_verifier(kind)->levels().size();
  }
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 1 + num_levels);
  EXPECT_THAT(outcome.output, HasSubstr("\narithmetic            5      32000000            "));
  EXPECT_THAT(outcome.output, HasSubstr("\nknights               2      "));
  EXPECT_THAT(outcome.output, HasSubstr("\njsonl                 1      those of the file   "));
  EXPECT_THAT(outcome.output,
              HasSubstr("\ncommand               any    those it makes      a program of your own: "));
}

TEST(TaskSample, WritesOneObjectALine) {
  const Outcome outcome = run("task sample --task arithmetic --level 5 --seed 3 --count 20");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto lines = lines_of(outcome.output);
  ASSERT_EQ(lines.size(), 20u);
  std::set<std::string> prompts;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["task"], "arithmetic");
    EXPECT_EQ(lines[i]["level"], 5);
    EXPECT_EQ(lines[i]["index"], i);
    EXPECT_EQ(lines[i]["spec"]["expression"].get<std::string>() + "=", lines[i]["prompt"]);
    EXPECT_THAT(lines[i]["trace"].get<std::string>(),
                HasSubstr("<answer>" + lines[i]["answer"].get<std::string>() + "</answer>"));
    prompts.insert(lines[i]["prompt"].get<std::string>());
  }
  EXPECT_EQ(prompts.size(), 20u);
  EXPECT_EQ(run("task sample --task arithmetic --level 5 --seed 3 --count 20").output, outcome.output);
  EXPECT_NE(run("task sample --task arithmetic --level 5 --seed 4 --count 20").output, outcome.output);
  EXPECT_NE(run("task sample --task arithmetic --level 5 --seed 3 --count 20 --split held_out").output,
            outcome.output);
}

TEST(TaskSample, ReadsAFile) {
  const testing::TempDir folder;
  const std::string path = (folder.path() / "q.jsonl").string();
  std::string text;
  for (int i = 0; i < 64; ++i)
    text += "{\"question\": \"q" + std::to_string(i) + "\", \"answer\": \"a #### 7\"}\n";
  testing::write_text(path, text);
  const auto lines = lines_of(run("task sample --task jsonl --path " + path + " --count 3").output);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["spec"], json({{"gold", "7"}}));
  EXPECT_EQ(lines[0]["trace"], "<think>a</think><answer>7</answer>");
}

/// A recipe with a task of each kind that needs one.
class RecipeTasks : public ::testing::Test {
 protected:
  RecipeTasks() {
    const std::string script = (testing::source_dir() / "examples/reverse_words.py").string();
    testing::write_text(folder_.path() / "q.jsonl", R"({"problem": "p", "answer": "7"})");
    testing::write_text(recipe_, R"([run]
name = "r"
[[task]]
name = "mine"
kind = "command"
levels = [1, 2]
source = { command = ["python3", )" + in_quotes(script) +
                                     R"(] }
[[task]]
name = "file"
kind = "jsonl"
path = )" + in_quotes((folder_.path() / "q.jsonl").string()) +
                                     R"(
[[stage]]
name = "s"
kind = "sft"
from = "model"
steps = 1
)");
  }
  testing::TempDir folder_;
  std::string recipe_ = (folder_.path() / "r.toml").string();
};

TEST_F(RecipeTasks, AreSampledAndScoredByTheirName) {
  const Outcome sampled =
      run("task sample --recipe " + recipe_ + " --task mine --level 2 --count 5 --seed 3");
  ASSERT_EQ(sampled.code, 0) << sampled.error;
  const auto problems = lines_of(sampled.output);
  ASSERT_EQ(problems.size(), 5u);
  std::string input;
  for (json line : problems) {
    EXPECT_EQ(line["task"], "mine");
    EXPECT_EQ(line["spec"]["words"].size(), 3u);
    line["completion"] = line["trace"];
    input += line.dump() + "\n";
    line["completion"] = "<answer>" + line["spec"]["words"][2].get<std::string>() + "</answer>";
    input += line.dump() + "\n";
  }
  input +=
      json{{"task", "file"}, {"spec", {{"gold", "7"}}}, {"completion", "<answer>7.0</answer>"}}.dump() + "\n";
  const Outcome scored = run("task score --recipe " + recipe_, input);
  ASSERT_EQ(scored.code, 0) << scored.error;
  const auto lines = lines_of(scored.output);
  ASSERT_EQ(lines.size(), 11u);
  for (std::size_t i = 0; i < 10; i += 2) {
    EXPECT_EQ(lines[i], json({{"reward", 1.0}, {"verdict", "right"}}));
    EXPECT_EQ(lines[i + 1], json({{"reward", 0.5 / 3}, {"verdict", "wrong"}}));
  }
  EXPECT_EQ(lines[10], json({{"reward", 1.0}, {"verdict", "right"}}));
}

TEST_F(RecipeTasks, MustBeInTheRecipe) {
  EXPECT_EQ(run("task sample --recipe " + recipe_ + " --task mime").error,
            "task sample: --task \"mime\" (need a task of " + recipe_ + ": mine, file)");
  EXPECT_EQ(run("task sample --recipe " + recipe_ + " --task mine --path x").error,
            "task sample: --path beside --recipe (need one: the recipe names its files)");
  EXPECT_EQ(run("task sample --recipe " + recipe_ + " --task mine --level 4").error,
            "task \"mine\": kind command has no level 4 (need one of 1, 2, 3)");
  EXPECT_EQ(run("task sample --task command").error,
            "task sample: kind command is a program of your own (need --recipe FILE --task NAME)");
  EXPECT_EQ(run("task sample --recipe /nowhere/r.toml --task mine").code, 66);
  const Outcome missing = run("task sample --recipe " + recipe_ +
                              " --set task.mine.source.command=[\"no-such-program\"] --task mine");
  EXPECT_EQ(missing.code, 78);
  EXPECT_EQ(missing.error,
            "task \"mine\": program \"no-such-program\": cannot be started: no program \"no-such-program\" "
            "in PATH");
  const std::string line = R"({"task": "command", "spec": {}, "completion": ""})";
  EXPECT_EQ(run("task score", line).error,
            "standard input:1: task is of kind command (need its name in a recipe, and --recipe FILE)");
  EXPECT_EQ(run("task score --recipe " + recipe_, line).error,
            "standard input:1: task \"command\" (need a task of " + recipe_ + ": mine, file)");
}

TEST(TaskSample, ReportsWrongArguments) {
  EXPECT_EQ(run("task sample --task chess").error,
            "task sample: --task \"chess\" (need one of " + kind_names() + ")");
  EXPECT_EQ(run("task sample --task chess").code, 2);
  EXPECT_EQ(run("task sample --task knights --split test").error,
            "task sample: --split \"test\" (need one of train, held_out)");
  EXPECT_EQ(run("task sample --task knights --level 9").error,
            "task \"knights\": kind knights has no level 9 (need one of 1, 2, 3, 4, 5)");
  EXPECT_EQ(run("task sample --task knights --count -1").code, 2);
  EXPECT_EQ(run("task sample --task knights --seed -1").code, 2);
  EXPECT_EQ(run("task sample --task knights --seed 1.5").code, 2);
  EXPECT_EQ(run("task sample").code, 2);
  EXPECT_EQ(run("task").code, 2);
  EXPECT_EQ(run("task sample --task jsonl").code, 2);
  EXPECT_EQ(run("task sample --task jsonl --path /nowhere/x.jsonl").code, 66);
}

std::string completion_line(const std::string& kind, const json& spec, const std::string& completion) {
  return json{{"task", kind}, {"spec", spec}, {"completion", completion}}.dump() + "\n";
}

TEST(TaskScore, PaysEachSampledTraceAndKeepsTheOrder) {
  std::string input;
  for (const std::string kind : {"arithmetic", "knights"}) {
    for (json& line : lines_of(run("task sample --task " + kind + " --level 4 --count 30").output)) {
      line["completion"] = line["trace"];
      input += line.dump() + "\n";
      input += completion_line(kind, line["spec"], "<answer>wrong</answer>");
      input += completion_line(kind, json(line["spec"].dump()), "no tags");  // a spec as text is read too
    }
  }
  const Outcome outcome = run("task score", input);
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto lines = lines_of(outcome.output);
  ASSERT_EQ(lines.size(), 180u);
  for (std::size_t i = 0; i < lines.size(); i += 3) {
    EXPECT_EQ(lines[i], json({{"reward", 1.0}, {"verdict", "right"}}));
    EXPECT_EQ(lines[i + 1], json({{"reward", 0.0}, {"verdict", "wrong"}}));
    EXPECT_EQ(lines[i + 2], json({{"reward", 0.0}, {"verdict", "no_answer"}}));
  }
}

TEST(TaskScore, ReadsAndWritesEachFormOfAnswers) {
  for (const std::string form : {"tag", "boxed", "hashes", "phrase"}) {
    const Outcome sampled = run("task sample --task arithmetic --level 2 --seed 3 --count 2 --form " + form);
    ASSERT_EQ(sampled.code, 0) << sampled.error;
    std::string input;
    for (const json& line : lines_of(sampled.output)) {
      input +=
          json{{"task", "arithmetic"}, {"spec", line["spec"]}, {"completion", line["trace"]}}.dump() + "\n";
    }
    for (const std::string read : {"tag", "boxed", "hashes", "phrase"}) {
      const auto lines = lines_of(run("task score --form " + read, input).output);
      ASSERT_EQ(lines.size(), 2u);
      EXPECT_EQ(lines[0]["verdict"], form == read ? "right" : "no_answer") << form << " read as " << read;
    }
  }
  const Outcome wrong = run("task score --form box");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.error, HasSubstr("task: --form \"box\" (need one of tag, boxed, hashes, phrase)"));
}

TEST(TaskScore, ReadsAFileAndTheFinishReason) {
  const testing::TempDir folder;
  const std::string path = (folder.path() / "in.jsonl").string();
  json cut = {{"task", "jsonl"}, {"spec", {{"gold", "1,000"}}}, {"completion", "<answer>1000</answer>"}};
  std::string text = cut.dump() + "\n";
  cut["finish_reason"] = "length";
  testing::write_text(path, text + cut.dump() + "\n");
  const auto lines = lines_of(run("task score " + path).output);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["verdict"], "right");
  EXPECT_EQ(lines[1]["verdict"], "no_answer");
  EXPECT_EQ(run("task score " + path + ".none").code, 66);
}

TEST(TaskScore, NamesTheMalformedLine) {
  const std::string good = completion_line("arithmetic", {{"expression", "3+5"}}, "<answer>8</answer>");
  const auto error_after_one = [&](const std::string& bad) {
    const Outcome outcome = run("task score", good + bad + good);
    EXPECT_EQ(outcome.code, 65);
    EXPECT_EQ(lines_of(outcome.output).size(), 1u);
    return outcome.error;
  };
  EXPECT_THAT(error_after_one("{\"task\": \n"), HasSubstr("standard input:2: not JSON: "));
  EXPECT_EQ(error_after_one("\n"), "standard input:2: the line is empty (need one JSON object a line)");
  EXPECT_EQ(error_after_one("[1]\n"),
            "standard input:2: the line is a JSON array (need one JSON object a line)");
  EXPECT_EQ(error_after_one("{\"spec\": {}}\n"),
            "standard input:2: no \"task\" (need a string of that name)");
  EXPECT_EQ(error_after_one("{\"task\": \"knights\", \"completion\": 3}\n"),
            "standard input:2: \"completion\" is a number (need a string)");
  EXPECT_EQ(error_after_one("{\"task\": \"knights\", \"completion\": \"\"}\n"),
            "standard input:2: no \"spec\" (need the problem's spec)");
  EXPECT_EQ(error_after_one(completion_line("chess", json::object(), "")),
            "standard input:2: task \"chess\" (need one of " + kind_names() + ")");
  EXPECT_EQ(error_after_one(completion_line("knights", json::object(), "<answer>0</answer>")),
            "standard input:2: knights: spec: no \"statements\" (need an array of that name)");
}

}  // namespace
}  // namespace reckon
