// Rollout logs that somebody changed who knows how they are written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/verified_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::rewrite_log;
using testing::Steps;
using testing::TamperedRun;
using testing::Verified;

constexpr const char* kLog = "rollouts/rl-1";
constexpr const char* kNotThatGroup = "is not the group that the run had";

/// What is said of a run with that change in its log.
Verified verify_changed(const std::function<void(Steps&)>& change, bool seal = true) {
  const TamperedRun run;
  rewrite_log(run / kLog, change, seal);
  return run.verify();
}

TEST(VerifyRollouts, TheSameStepsWrittenAnewAreTheSame) {
  const Verified verified = verify_changed([](Steps&) {});
  EXPECT_EQ(verified.failures, 0) << verified.text;
}

TEST(VerifyRollouts, AChangedRewardIsNamed) {
  std::uint64_t group = 0;
  const Verified verified = verify_changed([&](Steps& steps) {
    group = steps[1].batch.groups[2].group_id;
    steps[1].batch.groups[2].completions[3].reward += 1;
  });
  const std::string where = "step 2, group " + std::to_string(group);
  EXPECT_THAT(verified.text, HasSubstr(where + ", sample 3: the reward is "));
  EXPECT_THAT(verified.text, HasSubstr(where + ": " + kNotThatGroup));
  EXPECT_THAT(verified.text, HasSubstr("(rank-00000.000000.h5)"));
  EXPECT_THAT(verified.text, Not(HasSubstr("batch_sha256")));
  EXPECT_GE(verified.failures, 2);
}

TEST(VerifyRollouts, AChangedRewardUnderTheOldHashIsNamedByTheFileToo) {
  const Verified verified =
      verify_changed([](Steps& steps) { steps[1].batch.groups[2].completions[3].reward += 1; }, false);
  EXPECT_THAT(verified.text, HasSubstr("step 2: its completions are not what their batch_sha256 says"));
}

TEST(VerifyRollouts, ARewardChangedTogetherWithItsTermsDisagreesWithTheAdvantages) {
  const Verified verified = verify_changed([](Steps& steps) {
    Completion& completion = steps[0].batch.groups[1].completions[2];
    completion.reward_terms[0] += 1;
    completion.reward += 1;
  });
  EXPECT_THAT(verified.text, HasSubstr(", sample 0: the advantage is "));
  EXPECT_THAT(verified.text, HasSubstr(", and the group's rewards make "));
  EXPECT_THAT(verified.text, HasSubstr(kNotThatGroup));
}

TEST(VerifyRollouts, EachFieldOfACompletionIsCovered) {
  const std::vector<std::pair<std::string, std::function<void(Completion&)>>> kChanges = {
      {": the advantage is ", [](Completion& c) { c.advantage += 0.5f; }},
      {": the text of its tokens is from byte ", [](Completion& c) { c.text += "7"; }},
      {": the text of its tokens is from byte ", [](Completion& c) { c.token_ids[0] ^= 1; }},
      {": the verdict is right, and the grade ", [](Completion& c) { c.verdict = Verdict::right; }},
      {": stands at place 1 of its group", [](Completion& c) { c.sample_index = 7; }},
      {": token 0 has the log-prob 0.5", [](Completion& c) { c.sampler_logprob[0] = 0.5f; }},
      {kNotThatGroup, [](Completion& c) { c.sampler_logprob[0] -= 0.5f; }},
      {kNotThatGroup,
       [](Completion& c) {
         c.policy_version += 1;
         c.versions.clear();
       }},
      {"and ended by length, and the recipe allows 24", [](Completion& c) {
         c.finish_reason = FinishReason::length;
         c.token_ids.pop_back();
         c.sampler_logprob.pop_back();
       }}};
  for (const auto& [text, change] : kChanges) {
    const Verified verified =
        verify_changed([&](Steps& steps) { change(steps[2].batch.groups[1].completions[1]); });
    EXPECT_GE(verified.failures, 1) << text;
    EXPECT_THAT(verified.text, AllOf(HasSubstr(text), HasSubstr("step 3, group "), HasSubstr(kNotThatGroup)));
  }
}

TEST(VerifyRollouts, EachFieldOfAPromptIsCovered) {
  const std::vector<std::function<void(Group&)>> kChanges = {[](Group& g) { g.prompt.gold += "0"; },
                                                             [](Group& g) { g.prompt.text += " "; },
                                                             [](Group& g) { g.prompt.level += 1; },
                                                             [](Group& g) { g.prompt.spec += " "; },
                                                             [](Group& g) { g.prompt.task = "other"; },
                                                             [](Group& g) { g.prompt.token_ids[0] ^= 1; },
                                                             [](Group& g) { g.prompt.source = "none"; },
                                                             [](Group& g) { g.visit += 1; },
                                                             [](Group& g) { g.admission += 1; },
                                                             [](Group& g) {
                                                               g.prompt.id += 1;
                                                               for (Completion& c : g.completions)
                                                                 c.prompt_id = g.prompt.id;
                                                             }};
  for (const auto& change : kChanges) {
    const Verified verified = verify_changed([&](Steps& steps) { change(steps[3].batch.groups[0]); });
    EXPECT_GE(verified.failures, 1);
    EXPECT_THAT(verified.text, AllOf(HasSubstr("step 4, group "), HasSubstr(kNotThatGroup)));
  }
}

TEST(VerifyRollouts, ADroppedGroupIsNamedByItsPlace) {
  const Verified verified = verify_changed([](Steps& steps) {
    auto& groups = steps[2].batch.groups;
    groups.erase(groups.begin() + 1);
  });
  EXPECT_THAT(verified.text, HasSubstr("step 3: has 3 groups, and the chain 4"));
  EXPECT_THAT(verified.text,
              HasSubstr("step 3: the group at place 2 of 4 is missing: one whose SHA-256 begins"));
}

TEST(VerifyRollouts, AnAddedGroupIsNamed) {
  std::uint64_t added = 0;
  const Verified verified = verify_changed([&](Steps& steps) {
    auto& groups = steps[4].batch.groups;
    groups.push_back(groups.back());
    added = ++groups.back().group_id;
    for (Completion& completion : groups.back().completions) completion.group_id = added;
  });
  EXPECT_THAT(verified.text,
              HasSubstr("step 5, group " + std::to_string(added) + ": is none that the chain has"));
}

TEST(VerifyRollouts, GroupsInAnotherOrderAreNamed) {
  const Verified moved =
      verify_changed([](Steps& steps) { std::swap(steps[2].batch.groups[0], steps[2].batch.groups[1]); });
  EXPECT_GE(moved.failures, 1);
  EXPECT_THAT(moved.text, HasSubstr(" comes after group "));
  const Verified renumbered = verify_changed([](Steps& steps) {
    auto& groups = steps[2].batch.groups;
    std::swap(groups[0], groups[1]);
    std::swap(groups[0].group_id, groups[1].group_id);
    for (Group& group : groups) {
      for (Completion& completion : group.completions) completion.group_id = group.group_id;
    }
  });
  EXPECT_GE(renumbered.failures, 2);
  EXPECT_THAT(renumbered.text, HasSubstr(kNotThatGroup));
}

TEST(VerifyRollouts, AGroupMovedToAnotherStepIsNamedInBoth) {
  const Verified verified = verify_changed([](Steps& steps) {
    auto& from = steps[1].batch.groups;
    auto& to = steps[2].batch.groups;
    to.insert(to.begin(), from.back());
    from.pop_back();
  });
  EXPECT_THAT(verified.text, HasSubstr("step 2: has 3 groups, and the chain 4"));
  EXPECT_THAT(verified.text, HasSubstr("step 3: has 5 groups, and the chain 4"));
}

TEST(VerifyRollouts, StepsAreThoseOfTheChain) {
  EXPECT_THAT(verify_changed([](Steps& steps) { steps.erase(steps.begin() + 2); }).text,
              HasSubstr("step 3 is in no file"));
  EXPECT_THAT(verify_changed([](Steps& steps) { steps.resize(2); }).text,
              HasSubstr("steps 3 to 5 are in no file"));
  EXPECT_THAT(verify_changed([](Steps& steps) {
                steps.push_back(steps.back());
                ++steps.back().batch.step;
              }).text,
              HasSubstr("step 6 is in the log, and the chain ends at step 5"));
}

TEST(VerifyRollouts, WeightsAreThoseOfTheChain) {
  const Verified verified =
      verify_changed([](Steps& steps) { steps[1].hashes.weights_after_sha256 = std::string(64, 'a'); });
  EXPECT_THAT(verified.text, HasSubstr("step 2: weights_after is aaaaaaaaaaaa..., and the chain says "));
}

TEST(VerifyRollouts, ARewardChangedInTheFileAndInTheManifestIsNamed) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "needs h5py (scripts/bootstrap.sh --oracles)";
  const TamperedRun run;
  testing::write_text(run / "../tamper.py", R"(
import hashlib, json, os, sys, h5py
folder = sys.argv[1]
log = os.path.join(folder, "rank-00000.000001.h5")
with h5py.File(log, "r+") as file:
    file["completions/reward"][5] = 1.0
manifest = os.path.join(folder, "manifest-rank-00000.jsonl")
lines = [json.loads(line) for line in open(manifest)]
for line in lines:
    if line["file"] == os.path.basename(log):
        line["bytes"] = os.path.getsize(log)
        line["sha256"] = hashlib.sha256(open(log, "rb").read()).hexdigest()
open(manifest, "w").write("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
)");
  const auto done = testing::run_command(python->string() + " " + (run / "../tamper.py").string() + " " +
                                         (run / kLog).string());
  ASSERT_EQ(done.exit_code, 0) << done.output;
  const Verified verified = run.verify();
  // The second segment begins with step 3; of 4 groups of 4, row 5 is of the second, sample 1.
  EXPECT_THAT(verified.text, HasSubstr(", sample 1: the reward is 1, and its terms make "));
  EXPECT_THAT(verified.text, HasSubstr("step 3: its completions are not what their batch_sha256 says"));
  EXPECT_THAT(verified.text, HasSubstr(kNotThatGroup));
}

TEST(VerifyRollouts, FilesOfTheLogAreThoseOfTheManifest) {
  const auto after = [](const std::function<void(const fs::path&)>& change) {
    const TamperedRun run;
    change(run / kLog);
    return run.verify();
  };
  const Verified removed = after([](const fs::path& log) { fs::remove(log / "rank-00000.000000.h5"); });
  EXPECT_THAT(removed.text, HasSubstr("rank-00000.000000.h5: is not there, but the manifest lists it"));
  EXPECT_THAT(removed.text, HasSubstr("steps 1 to 2 are in no file"));
  EXPECT_THAT(after([](const fs::path& log) { fs::remove(log / "manifest-rank-00000.jsonl"); }).text,
              HasSubstr("rank-00000.000000.h5: is not in manifest-rank-00000.jsonl"));
  EXPECT_THAT(after([](const fs::path& log) { testing::write_text(log / "notes.txt", "x"); }).text,
              HasSubstr("notes.txt: is no file of a rollout log"));
  const Verified copied = after(
      [](const fs::path& log) { fs::copy_file(log / "rank-00000.000000.h5", log / "rank-00001.000000.h5"); });
  EXPECT_THAT(copied.text, HasSubstr("rank-00001.000000.h5: says that it is of rank 0"));
  EXPECT_THAT(copied.text, HasSubstr("stands twice"));
  EXPECT_THAT(after([](const fs::path& log) { fs::remove_all(log); }).text,
              HasSubstr("rollouts/rl-1: is not there"));
  EXPECT_THAT(after([](const fs::path& log) { fs::copy(log, log.parent_path() / "rl-9"); }).text,
              HasSubstr("rollouts/rl-9: is of no stage that the chain has as grpo"));
}

TEST(VerifyRollouts, EachNumberOfAManifestIsCompared) {
  for (const char* name : {"segment", "steps", "prompts", "completions", "tokens"}) {
    const TamperedRun run;
    const std::string key = std::string("\"") + name + "\":";
    run.edit("rollouts/rl-1/manifest-rank-00000.jsonl", key, key + "9");
    EXPECT_THAT(run.verify().text, HasSubstr(std::string("manifest-rank-00000.jsonl:1: has another ") + name +
                                             " than the file"));
  }
}

}  // namespace
}  // namespace reckon
