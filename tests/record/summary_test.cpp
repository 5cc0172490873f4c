#include "reckon/record/summary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

Summary sample_summary() {
  Summary summary;
  summary.run = "r1-mini";
  StageSummary& cold = summary.stage("cold-start");
  cold.kind = "sft";
  cold.seconds = 201.26;
  cold.steps = 600;
  StageSummary& first = summary.stage("eval-1");
  first.kind = "eval";
  first.seconds = 9.5;
  summary.enter_result("eval-1", "cold-start", "arithmetic",
                       {.pass_at_1 = 0.28711,
                        .ci95 = 0.03149,
                        .n = 512,
                        .mean_tokens = 8.84,
                        .greedy = 0.25,
                        .extra = {{"correct", 588}}});
  summary.enter_result("eval-1", "cold-start", "knights",
                       {.pass_at_1 = 1, .ci95 = 0, .n = 512, .mean_tokens = 66, .greedy = 1, .extra = {}});
  StageSummary& rl = summary.stage("größer");
  rl.kind = "grpo";
  rl.seconds = 1030;
  rl.steps = 20;
  return summary;
}

TEST(Summary, AnExtraNumberOfAStageIsEnteredOnce) {
  Summary summary;
  StageSummary& stage = summary.stage("rl-1");
  stage.enter_extra("skipped_updates", 1);
  stage.enter_extra("rollbacks", 5);
  stage.enter_extra("skipped_updates", 2);
  EXPECT_EQ(stage.extra, (ExtraNumbers{{"skipped_updates", 2}, {"rollbacks", 5}}));
}

TEST(Summary, TableHasALineForEachStageAndTask) {
  EXPECT_EQ(summary_table(sample_summary()),
            "stage       task        pass@1 ± 95 %  greedy  mean tokens  steps  seconds\n"
            "cold-start  arithmetic  0.287 ± 0.031   0.250          8.8    600    201.3\n"
            "cold-start  knights     1.000 ± 0.000   1.000         66.0\n"
            "größer      -                       -       -            -     20   1030.0\n");
}

TEST(Summary, AnEvalStageOfTheBaseModelHasItsOwnLine) {
  Summary summary;
  summary.run = "r";
  summary.stage("eval-0").kind = "eval";
  summary.enter_result("eval-0", "model", "knights",
                       {.pass_at_1 = 0.5, .ci95 = 0.25, .n = 4, .mean_tokens = 3, .greedy = 0, .extra = {}});
  EXPECT_EQ(summary_table(summary),
            "stage   task     pass@1 ± 95 %  greedy  mean tokens  steps  seconds\n"
            "eval-0  knights  0.500 ± 0.250   0.000          3.0      0      0.0\n");
  EXPECT_EQ(summary.stages.size(), 1U);
}

TEST(Summary, AStageThatEvaluatesItselfKeepsItsLatestResult) {
  Summary summary;
  summary.stage("rl-1").steps = 10;
  for (const double pass : {0.25, 0.75}) {
    summary.enter_result("rl-1", "rl-1", "knights", {.pass_at_1 = pass, .extra = {}});
  }
  ASSERT_EQ(summary.stage("rl-1").tasks.size(), 1U);
  EXPECT_EQ(summary.stage("rl-1").tasks[0].second.pass_at_1, 0.75);
  EXPECT_THAT(summary_table(summary), ::testing::HasSubstr("\nrl-1   knights  0.750 ± 0.000"));
}

TEST(Summary, JsonHasEachResultUnderTheEvalStageAndTheStageItEvaluates) {
  const testing::TempDir temp;
  Summary summary = sample_summary();
  summary.extra = {{"seconds", 1240.75}, {"bad", std::numeric_limits<double>::quiet_NaN()}};
  write_summary(temp.path() / "summary.json", summary);
  const auto json = nlohmann::json::parse(testing::read_text(temp.path() / "summary.json"));
  const nlohmann::json arithmetic = {{"pass_at_1", 0.28711}, {"ci95", 0.03149}, {"n", 512},
                                     {"mean_tokens", 8.84},  {"greedy", 0.25},  {"correct", 588.0}};
  const nlohmann::json knights = {
      {"pass_at_1", 1.0}, {"ci95", 0.0}, {"n", 512}, {"mean_tokens", 66.0}, {"greedy", 1.0}};
  const nlohmann::json both = {{"arithmetic", arithmetic}, {"knights", knights}};
  EXPECT_EQ(
      json,
      (nlohmann::json{
          {"run", "r1-mini"},
          {"complete", false},
          {"stages",
           {{"cold-start", {{"kind", "sft"}, {"seconds", 201.26}, {"steps", 600}, {"eval", both}}},
            {"eval-1",
             {{"kind", "eval"}, {"seconds", 9.5}, {"steps", 0}, {"from", "cold-start"}, {"eval", both}}},
            {"größer", {{"kind", "grpo"}, {"seconds", 1030.0}, {"steps", 20}}}}},
          {"seconds", 1240.75},
          {"bad", nullptr}}));
}

TEST(Summary, SaysWhichFileCannotBeWritten) {
  const testing::TempDir temp;
  const auto file = temp.path() / "none" / "summary.json";
  EXPECT_THAT(testing::error_of(ExitCode::io, [&] { write_summary(file, sample_summary()); }),
              ::testing::StartsWith(file.string()));
}

TEST(ParseSummary, GivesBackWhatWasWritten) {
  Summary summary = sample_summary();
  summary.complete = true;
  summary.extra = {{"seconds_lost", 0.1}, {"resumes", 2}};
  summary.stage("größer").extra = {{"reward", -0.0625}};
  summary.stage("eval-0").evaluates = "model";
  const std::string text = summary_json(summary);
  const Summary read = parse_summary(text, "summary.json");
  EXPECT_EQ(summary_json(read), text);
  EXPECT_EQ(summary_table(read), summary_table(summary));
  EXPECT_EQ(read.run, "r1-mini");
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.extra, summary.extra);
  ASSERT_EQ(read.stages.size(), 4U);
  EXPECT_EQ(read.stages[1].name, "eval-1");
  EXPECT_EQ(read.stages[1].kind, "eval");
  EXPECT_EQ(read.stages[1].seconds, 9.5);
  EXPECT_EQ(read.stages[1].evaluates, "cold-start");
  EXPECT_EQ(read.stages[0].steps, 600U);
  ASSERT_EQ(read.stages[0].tasks.size(), 2U);
  const auto& [task, result] = read.stages[0].tasks[0];
  EXPECT_EQ(task, "arithmetic");
  EXPECT_EQ(result.pass_at_1, 0.28711);
  EXPECT_EQ(result.ci95, 0.03149);
  EXPECT_EQ(result.n, 512U);
  EXPECT_EQ(result.mean_tokens, 8.84);
  EXPECT_EQ(result.greedy, 0.25);
  EXPECT_EQ(result.extra, (ExtraNumbers{{"correct", 588}}));
  EXPECT_EQ(read.stages[2].extra, (ExtraNumbers{{"reward", -0.0625}}));
  EXPECT_EQ(read.stages[3].evaluates, "model");
}

TEST(ParseSummary, ReadsNullAsANumberThatIsNone) {
  Summary summary;
  summary.extra = {{"loss", std::numeric_limits<double>::infinity()}};
  const Summary read = parse_summary(summary_json(summary), "summary.json");
  ASSERT_EQ(read.extra.size(), 1U);
  EXPECT_TRUE(std::isnan(read.extra[0].second));
}

/// What is said of the sample with one piece of its text replaced.
std::string message_with(const std::string& piece, const std::string& other) {
  std::string text = summary_json(sample_summary());
  const std::size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  text.replace(at, piece.size(), other);
  return testing::error_of(ExitCode::bad_data,
                           [&] { static_cast<void>(parse_summary(text, "runs/a/summary.json")); });
}

TEST(ParseSummary, NamesTheMemberThatIsNotOfItsType) {
  const std::string where = "runs/a/summary.json: ";
  EXPECT_EQ(message_with("\"r1-mini\"", "7"), where + "run: is 7 (need a text)");
  EXPECT_EQ(message_with("\"complete\": false", "\"complete\": 0"),
            where + "complete: is 0 (need true or false)");
  EXPECT_EQ(message_with("\"complete\"", "\"done\""), where + "complete: is missing");
  EXPECT_EQ(message_with("\"run\": \"r1-mini\",", ""), where + "run: is missing");
  EXPECT_EQ(message_with("\"steps\": 600", "\"steps\": -1"),
            where + "stages.cold-start.steps: is -1 (need a whole number, at least 0)");
  EXPECT_EQ(message_with("\"steps\": 600", "\"steps\": 6.5"),
            where + "stages.cold-start.steps: is 6.5 (need a whole number, at least 0)");
  EXPECT_EQ(message_with("\"kind\": \"sft\",", ""), where + "stages.cold-start.kind: is missing");
  EXPECT_EQ(message_with("\"seconds\": 201.26", "\"seconds\": \"long\""),
            where + "stages.cold-start.seconds: is \"long\" (need a number or null)");
  EXPECT_EQ(message_with("\"correct\": 588.0", "\"correct\": [588]"),
            where + "stages.cold-start.eval.arithmetic.correct: is array (need a number or null)");
  EXPECT_EQ(message_with("\"n\": 512", "\"n\": true"),
            where + "stages.cold-start.eval.arithmetic.n: is true (need a whole number, at least 0)");
  EXPECT_EQ(message_with("\"from\": \"cold-start\"", "\"from\": null"),
            where + "stages.eval-1.from: is null (need a text)");
}

TEST(ParseSummary, RefusesWhatIsNoJsonOrNoObject) {
  const auto message_of = [](const std::string& text) {
    return testing::error_of(ExitCode::bad_data, [&] { static_cast<void>(parse_summary(text, "s.json")); });
  };
  EXPECT_EQ(message_of("{\"run\": "), "s.json: is no JSON. Is the file damaged?");
  EXPECT_EQ(message_of(""), "s.json: is no JSON. Is the file damaged?");
  EXPECT_EQ(message_of("[1]"), "s.json: is array (need an object)");
}

}  // namespace
}  // namespace reckon
