// Files of a run that somebody changed, and what is said of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/verified_run.h"
#include "reckon/base/error.h"
#include "reckon/lineage/chain.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TamperedRun;
using testing::Verified;

using Lines = std::vector<std::string>;

constexpr const char* kRecipe = "recipe.toml";
constexpr const char* kChain = "chain.jsonl";
constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kSummary = "summary.json";

TEST(VerifyFiles, AWholeRunVerifies) {
  const Verified verified = testing::verify(testing::finished_run());
  EXPECT_EQ(verified.failures, 0) << verified.text;
  for (const char* text :
       {"chain.jsonl ok 18 events, 10 steps", "recipe.toml ok ", "data ok 2 tasks",
        "checkpoint rl-1/step-000004 ok ", "rollouts rl-1 ok 5 steps, 20 groups, 80 completions",
        "metrics.jsonl ok 11 rows, 11 of them", "summary.json ok 3 stages", "lineage.json ok 3 stages",
        "other files ok none"})
    EXPECT_THAT(verified.text, HasSubstr(text));
  EXPECT_THAT(verified.text, Not(HasSubstr("note")));
}

TEST(VerifyFiles, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(static_cast<void>(testing::verify("/no/such/run")), Error);
}

TEST(VerifyFiles, AnEditedSettingIsNamedWithBothValues) {
  const TamperedRun run;
  run.edit(kRecipe, "learning_rate = 0.003", "learning_rate = 0.004");
  const Verified verified = run.verify();
  EXPECT_EQ(verified.failures, 1) << verified.text;
  EXPECT_THAT(verified.text,
              HasSubstr("recipe.toml: stage.cold-start.learning_rate is 0.004, and the run had "
                        "0.003 (rollouts/rl-1/rank-00000.000000.h5)"));
}

TEST(VerifyFiles, AnEditedSettingWithoutALogIsAnotherHash) {
  const TamperedRun run;
  fs::remove_all(run / "rollouts");
  run.edit(kRecipe, "learning_rate = 0.003", "learning_rate = 0.004");
  EXPECT_THAT(run.verify().text, HasSubstr("recipe.toml: its settings have the SHA-256 "));
}

TEST(VerifyFiles, AnEditedCommentOfTheRecipeIsNamedByItsLine) {
  const TamperedRun run;
  const std::string text = testing::read_text(run / kRecipe);
  const std::size_t at = text.find("# default");
  ASSERT_NE(at, std::string::npos);
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  run.edit(kRecipe, "# default", "# Default");
  EXPECT_THAT(run.verify().text,
              HasSubstr("recipe.toml:" + std::to_string(line) + ": is not the text that "));
}

TEST(VerifyFiles, AnOldRecipeMustBeOneOfTheChain) {
  const TamperedRun run;
  fs::copy_file(run / kRecipe, run / "recipe-000000000000.toml");
  EXPECT_THAT(run.verify().text, HasSubstr("recipe-000000000000.toml: its settings have the SHA-256 "));
}

TEST(VerifyFiles, DataThatChangedIsNamedAndDataThatIsNotHereIsNoted) {
  const fs::path seeds = testing::finished_run().parent_path() / "seeds.jsonl";
  const std::string text = testing::read_text(seeds);
  testing::write_text(seeds, text + text);
  const Verified changed = testing::verify(testing::finished_run());
  fs::remove(seeds);
  const Verified missing = testing::verify(testing::finished_run());
  testing::write_text(seeds, text);
  EXPECT_EQ(changed.failures, 1) << changed.text;
  EXPECT_THAT(changed.text, HasSubstr("seeds.jsonl: is a file with SHA-256 "));
  EXPECT_EQ(missing.failures, 0) << missing.text;
  EXPECT_THAT(missing.text, HasSubstr("seeds.jsonl: is not here; the run had it with SHA-256 "));
}

TEST(VerifyFiles, TheFirstLineOfTheChainThatDoesNotFitIsNamed) {
  const auto after = [](const std::function<void(Lines&)>& change) {
    const TamperedRun run;
    run.edit_lines(kChain, change);
    const Verified verified = run.verify();
    EXPECT_GE(verified.failures, 1);
    return verified.text;
  };
  EXPECT_THAT(after([](Lines& lines) { lines.erase(lines.begin() + 4); }), HasSubstr("chain.jsonl:5: "));
  EXPECT_THAT(after([](Lines& lines) { lines.insert(lines.begin() + 4, lines[3]); }),
              HasSubstr("chain.jsonl:5: "));
  EXPECT_THAT(after([](Lines& lines) { std::swap(lines[4], lines[5]); }), HasSubstr("chain.jsonl:5: "));
  const std::string edited =
      after([](Lines& lines) { lines[4].replace(lines[4].find("loss\":"), 7, "loss\":9"); });
  EXPECT_THAT(edited, HasSubstr("chain.jsonl:5: "));
  EXPECT_THAT(edited, HasSubstr("its chain verifies up to line 4; what came after is compared with nothing"));
}

TEST(VerifyFiles, AChainThatWasCutIsToldByCheckpointsAndLineage) {
  const TamperedRun run;
  run.edit_lines(kChain, [](Lines& lines) { lines.resize(11); });
  const Verified verified = run.verify();
  EXPECT_THAT(verified.text, HasSubstr("and no line ends there. Was its end cut off?"));
  EXPECT_THAT(verified.text, HasSubstr("lineage.json: head is no link of chain.jsonl: was its end cut off?"));
  EXPECT_THAT(verified.text, HasSubstr("step 3 is in the log, and the chain ends at step 2"));
  EXPECT_THAT(verified.text, HasSubstr("which the chain does not have"));
}

/// Writes the chain anew with other events, as one who knows how links are made can.
void forge_chain(const TamperedRun& run, const std::function<void(std::vector<ChainEvent>&)>& change) {
  std::vector<ChainEvent> events;
  for (const ChainLine& line : read_chain(run / kChain)) events.push_back(line.event);
  change(events);
  fs::remove(run / kChain);
  ChainWriter writer(run / kChain);
  for (const ChainEvent& event : events) writer.append(event);
}

void set(ChainEvent& event, const std::string& name, const ChainEvent::Value& value) {
  std::ranges::find(event.values, name, &std::pair<std::string, ChainEvent::Value>::first)->second = value;
}

TEST(VerifyFiles, AForgedChainDisagreesWithCheckpointsMetricsAndLineage) {
  const TamperedRun run;
  forge_chain(run, [](std::vector<ChainEvent>& events) { set(events[10], "loss", 0.5); });
  const std::string loss = run.verify().text;
  EXPECT_THAT(loss, HasSubstr("chain.jsonl ok "));
  EXPECT_THAT(loss, HasSubstr("bytes, and no line ends there"));
  EXPECT_THAT(loss, HasSubstr("step 2 of stage \"rl-1\": loss is "));
  EXPECT_THAT(loss, HasSubstr("and the chain has 0.5"));
  EXPECT_THAT(loss, HasSubstr("last_link is of no line of the stage in the chain"));
  const TamperedRun other;
  forge_chain(other,
              [](std::vector<ChainEvent>& events) { set(events[10], "rollouts", std::string(64, 'a')); });
  const std::string rollouts = other.verify().text;
  EXPECT_THAT(rollouts, HasSubstr("checkpoint rl-1/step-000004 FAIL names the link "));
  EXPECT_THAT(rollouts,
              HasSubstr("step 2: its groups together are not those that the chain has as \"rollouts\""));
}

TEST(VerifyFiles, EventsOfAForgedChainMustFollowFromEachOther) {
  using Events = std::vector<ChainEvent>;
  const std::string other(64, 'a');
  const std::vector<std::pair<std::string, std::function<void(Events&)>>> kForgeries = {
      {"chain.jsonl:5: step 4 of stage \"cold-start\" follows step 2 (need step 3)",
       [](Events& e) { e.erase(e.begin() + 4); }},
      {"chain.jsonl:5: step 3 of stage \"cold-start\" starts from weights aaaaaaaaaaaa..., and the step "
       "before it",
       [&](Events& e) { set(e[4], "weights_before", other); }},
      {"chain.jsonl:9: stage \"rl-1\" starts from weights aaaaaaaaaaaa..., and \"cold-start\" has",
       [&](Events& e) { set(e[8], "weights", other); }},
      {"chain.jsonl:8: stage \"cold-start\" ends after 4 steps, and has 5",
       [](Events& e) { set(e[7], "steps", std::int64_t{4}); }},
      {"chain.jsonl:8: stage \"cold-start\" ends with weights aaaaaaaaaaaa..., and its last step made",
       [&](Events& e) { set(e[7], "weights", other); }},
      {"chain.jsonl:9: stage \"rl-1\" starts from \"nothing\", which is no stage before it",
       [](Events& e) { set(e[8], "from", std::string("nothing")); }},
      {"stage \"rl-1\": the chain has it as sft from \"cold-start\"",
       [](Events& e) { set(e[8], "kind", std::string("sft")); }},
      {"chain.jsonl:8: stage \"rl-1\" begins before \"cold-start\" has ended",
       [](Events& e) { e.erase(e.begin() + 7); }},
      {"chain.jsonl:4: is an event \"run\" (need", [](Events& e) { e.insert(e.begin() + 3, e[0]); }},
      {"chain.jsonl:4: is an event \"stop\" (need run,", [](Events& e) { e[3].event = "stop"; }}};
  for (const auto& [text, forge] : kForgeries) {
    const TamperedRun run;
    forge_chain(run, forge);
    EXPECT_THAT(run.verify().text, HasSubstr(text));
  }
}

TEST(VerifyFiles, ACheckpointUnderAnotherNameIsNamed) {
  const TamperedRun run;
  fs::rename(run / "checkpoints/rl-1/step-000004", run / "checkpoints/rl-1/step-000003");
  EXPECT_THAT(
      run.verify().text,
      HasSubstr("checkpoint rl-1/step-000003 FAIL reckon/state.json: is of step 4 of stage \"rl-1\""));
}

TEST(VerifyFiles, FilesOfACheckpointAreThoseOfItsManifest) {
  const TamperedRun run;
  fs::remove(run / "checkpoints/rl-1/step-000004/tokenizer.json");
  testing::write_text(run / "checkpoints/rl-1/step-000004/extra.json", "{}");
  const std::string text = run.verify().text;
  EXPECT_THAT(text, HasSubstr("checkpoints/rl-1/step-000004/tokenizer.json: is missing"));
  EXPECT_THAT(text, HasSubstr("checkpoints/rl-1/step-000004/extra.json: is not listed in the manifest"));
}

TEST(VerifyFiles, CheckpointsThatShouldBeThereAre) {
  const TamperedRun run;
  fs::remove_all(run / "checkpoints/rl-1/step-000005");
  EXPECT_THAT(run.verify().text,
              HasSubstr("stage \"rl-1\" has ended, and has no checkpoint of its end that verifies"));
  testing::write_text(run / "checkpoints/latest", "rl-1/step-000005\n");
  EXPECT_THAT(run.verify().text, HasSubstr("latest: names \"rl-1/step-000005\", which is not there"));
  testing::write_text(run / "checkpoints/latest", "rl-1/step-000004\n");
  EXPECT_THAT(run.verify().text, HasSubstr("and the newest that verifies is eval-rl-1/step-000000"));
  fs::remove(run / "checkpoints/latest");
  EXPECT_THAT(run.verify().text, HasSubstr("checkpoints/latest: is not there"));
  fs::create_directory(run / "checkpoints/rl-1/step-5");
  fs::create_directory(run / "checkpoints/rl-9");
  const std::string text = run.verify().text;
  EXPECT_THAT(text, HasSubstr("checkpoints/rl-1/step-5: is no checkpoint"));
  EXPECT_THAT(text, HasSubstr("checkpoints/rl-9: the chain has no such stage"));
}

TEST(VerifyFiles, RowsOfMetricsAreThoseOfTheChain) {
  const auto after = [](const std::function<void(Lines&)>& change) {
    const TamperedRun run;
    run.edit_lines(kMetrics, change);
    return run.verify().text;
  };
  EXPECT_THAT(after([](Lines& rows) { rows.insert(rows.begin() + 2, rows[1]); }),
              HasSubstr("metrics.jsonl:3: is of stage \"cold-start\", step 2, which has a row already"));
  EXPECT_THAT(after([](Lines& rows) { rows.erase(rows.begin() + 6); }),
              HasSubstr("metrics.jsonl:7: comes where the row of step 2 of stage \"rl-1\" should stand"));
  EXPECT_THAT(
      after([](Lines& rows) { rows.pop_back(); }),
      HasSubstr("metrics.jsonl: has no row of the evaluation of task \"chains\" in stage \"eval-rl-1\""));
  EXPECT_THAT(after([](Lines& rows) { rows[3] = "{"; }), HasSubstr("metrics.jsonl:4: is no JSON object"));
}

TEST(VerifyFiles, NumbersOfMetricsAreThoseOfChainAndCompletions) {
  const auto after = [](const std::string& name, const std::string& now) {
    const TamperedRun run;
    run.edit_lines(kMetrics, [&](Lines& rows) {
      const std::size_t at = rows[6].find("\"" + name + "\":") + name.size() + 3;
      rows[6].replace(at, rows[6].find(',', at) - at, now);
    });
    return run.verify().text;
  };
  const std::string where = "metrics.jsonl:7: step 2 of stage \"rl-1\": ";
  EXPECT_THAT(after("loss", "7.5"), HasSubstr(where + "loss is 7.5, and the chain has "));
  EXPECT_THAT(after("grad_norm", "7.5"), HasSubstr(where + "grad_norm is 7.5, and the chain has "));
  EXPECT_THAT(after("reward", "7.5"), HasSubstr(where + "reward is 7.5, and the completions make "));
  EXPECT_THAT(after("grade_equal", "7"), HasSubstr(where + "grade_equal is 7, and the completions make "));
  EXPECT_THAT(after("zero_variance_groups", "7"), HasSubstr(where + "zero_variance_groups is 7, and "));
  // What neither has is vouched for by the checkpoints that came after.
  EXPECT_THAT(after("entropy", "7.5"), HasSubstr("metrics.jsonl: lines "));
  EXPECT_THAT(after("seconds", "7.5"), HasSubstr("are not what they were at checkpoint rl-1/step-000004"));
}

TEST(VerifyFiles, TheSummaryIsThatOfChainAndCheckpoint) {
  const auto after = [](const std::string& was, const std::string& now) {
    const TamperedRun run;
    run.edit(kSummary, was, now);
    return run.verify().text;
  };
  EXPECT_THAT(after("\"pass_at_1\": 0.", "\"pass_at_1\": 0.9"),
              HasSubstr("summary.json: stage \"rl-1\", task \"chains\": pass_at_1 is 0.9"));
  EXPECT_THAT(after("\"steps\": 5", "\"steps\": 6"),
              HasSubstr("summary.json: stage \"cold-start\": steps is 6, and the chain has 5"));
  EXPECT_THAT(after("\"seconds\": ", "\"seconds\": 9"),
              HasSubstr("summary.json: differs from what checkpoint eval-rl-1/step-000000 has, in "
                        "/stages/cold-start/seconds"));
  EXPECT_THAT(after("\"ci95\": 0.", "\"ci95\": 0.9"), HasSubstr("in /stages/rl-1/eval/chains/ci95"));
  EXPECT_THAT(after("\"run\": \"tiny\"", "\"run\": \"tidy\""),
              HasSubstr("summary.json: is of a run \"tidy\""));
}

TEST(VerifyFiles, TheLineageIsThatOfTheChain) {
  const auto after = [](const std::string& was, const std::string& now) {
    const TamperedRun run;
    run.edit("lineage.json", was, now);
    return run.verify().text;
  };
  EXPECT_THAT(after("\"program\": \"reckon 0", "\"program\": \"reckon 9"),
              HasSubstr("lineage.json: program is "));
  EXPECT_THAT(after("seed 5", "seed 6"), HasSubstr("lineage.json: base.init is \"qwen3, seed 6\" (need "));
  EXPECT_THAT(after("\"kind\": \"grpo\"", "\"kind\": \"sft\""),
              HasSubstr("stage \"rl-1\": kind is \"sft\" (need "));
  EXPECT_THAT(after("\"n\": 4", "\"n\": 5"),
              HasSubstr("stage \"eval-rl-1\": its result 1 is not the chain's"));
  EXPECT_THAT(after("seeds.jsonl", "beads.jsonl"), HasSubstr("data \"seeds\": file is \"beads.jsonl\""));
  EXPECT_THAT(after("\"run\": \"tiny\",\n", "\"run\": \"tiny\",  \n"),
              HasSubstr("is not the text that the run wrote"));
}

TEST(VerifyFiles, AFileThatIsMissingIsNamed) {
  for (const char* file : {kRecipe, kChain, kMetrics, "lineage.json"}) {
    const TamperedRun run;
    fs::remove(run / file);
    const Verified verified = run.verify();
    EXPECT_GE(verified.failures, 1) << file;
    EXPECT_THAT(verified.text, HasSubstr(file));
  }
}

TEST(VerifyFiles, AFileThatNoRunWritesIsNoted) {
  const TamperedRun run;
  testing::write_text(run / "notes.txt", "mine");
  const Verified verified = run.verify();
  EXPECT_EQ(verified.failures, 0);
  EXPECT_THAT(verified.text, HasSubstr("notes.txt: is no file that a run writes"));
}

}  // namespace
}  // namespace reckon
