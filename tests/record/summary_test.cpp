#include "reckon/record/summary.h"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace reckon
