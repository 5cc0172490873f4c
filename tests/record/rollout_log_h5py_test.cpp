// h5py as an independent reader: the live file while the writer has it open, and the closed one.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "reckon/base/sha256.h"
#include "reckon/record/rewind.h"
#include "reckon/record/rollout_log.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;

json completion_json(const RolloutBatch& batch, const Group& group, const Completion& completion) {
  json terms;
  for (std::size_t i = 0; i < batch.reward_term_names.size(); ++i) {
    terms[batch.reward_term_names[i]] = completion.reward_terms[i];
  }
  json versions = json::array();
  for (const VersionRun& run : version_runs(completion)) {
    versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(run.first_token), versions.end());
    while (versions.size() < completion.token_ids.size()) versions.push_back(run.version);
  }
  const Prompt& prompt = group.prompt;
  return {{"step", batch.step},
          {"visit", group.visit},
          {"group_id", group.group_id},
          {"sample_index", completion.sample_index},
          {"policy_version", completion.policy_version},
          {"reward", completion.reward},
          {"advantage", completion.advantage},
          {"temperature", batch.temperature},
          {"admission", group.admission},
          {"finish_reason", enum_name(completion.finish_reason)},
          {"grade", enum_name(completion.grade)},
          {"verdict", enum_name(completion.verdict)},
          {"token_ids", completion.token_ids},
          {"sampler_logprob", completion.sampler_logprob},
          {"token_versions", versions},
          {"text", completion.text},
          {"reward_terms", terms},
          {"prompt",
           {{"id", prompt.id},
            {"level", prompt.level},
            {"task", prompt.task},
            {"source", prompt.source},
            {"gold", prompt.gold},
            {"spec", prompt.spec},
            {"text", prompt.text},
            {"token_ids", prompt.token_ids}}}};
}

using BatchOf = RolloutBatch (*)(std::uint64_t step);

json expected_steps(
    std::uint64_t num_steps, BatchOf batch_of = [](std::uint64_t step) { return sample_batch(step); }) {
  json steps = json::array();
  for (std::uint64_t i = 0; i < num_steps; ++i) {
    const RolloutBatch batch = batch_of(i);
    json completions = json::array();
    for (const Group& group : batch.groups) {
      for (const Completion& completion : group.completions) {
        completions.push_back(completion_json(batch, group, completion));
      }
    }
    const StepHashes hashes = sample_hashes(i);
    steps.push_back({{"step", i},
                     {"batch_sha256", hashes.batch_sha256},
                     {"weights_before_sha256", hashes.weights_before_sha256},
                     {"weights_after_sha256", hashes.weights_after_sha256},
                     {"completions", completions}});
  }
  return steps;
}

json read_with_h5py(const fs::path& python, const fs::path& file, const std::string& option) {
  const fs::path script = testing::source_dir() / "tests" / "record" / "read_rollout_log.py";
  const auto result = testing::run_command("'" + python.string() + "' '" + script.string() + "' '" +
                                           file.string() + "' " + option);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return json::parse(result.output, nullptr, false);
}

TEST(RolloutLogWithH5py, ReadsTheLiveFileAndTheClosedOne) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no Python with h5py";
  const testing::TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  for (std::uint64_t step = 0; step < 3; ++step) log.append(sample_batch(step), sample_hashes(step));
  const json live = read_with_h5py(*python, log.live_path(), "--live");
  EXPECT_EQ(live["steps"], expected_steps(3));
  log.append(sample_batch(3), sample_hashes(3));
  log.close();
  const json closed = read_with_h5py(*python, temp.path() / "rank-00003.000000.h5", "");
  EXPECT_EQ(closed["steps"], expected_steps(4));
  const json attributes = {{"schema", "reckon.rollouts/1"},
                           {"run_id", "run-7"},
                           {"stage", "rl-1"},
                           {"rank", 3},
                           {"world_size", 4},
                           {"segment", 0},
                           {"recipe_sha256", sha256_hex(sample_info().recipe_text)},
                           {"tokenizer_sha256", std::string(64, 'a')},
                           {"grader_version", "1"},
                           {"fingerprint", std::string(64, 'b')},
                           {"created", "2026-01-02T03:04:05Z"}};
  for (const json& file : {live, closed}) {
    EXPECT_EQ(file["attributes"], attributes);
    EXPECT_EQ(file["recipe"], sample_info().recipe_text);
    EXPECT_EQ(file["filters"], json::parse(R"([["gzip", 1, true, true]])"));  // of every column
  }
}

TEST(RolloutLogWithH5py, ReadsTheVersionOfEachToken) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no Python with h5py";
  const BatchOf mixed = [](std::uint64_t step) {
    RolloutBatch batch = sample_batch(step);
    Completion& completion = batch.groups[1].completions[2];
    completion.versions = {{0, completion.policy_version}, {1, completion.policy_version + 3}};
    return batch;
  };
  const testing::TempDir temp;
  RolloutLogInfo info = sample_info();
  info.versions = LoggedVersions::token;
  RolloutLogWriter log(temp.path(), info, sample_terms());
  for (std::uint64_t step = 0; step < 2; ++step) log.append(mixed(step), sample_hashes(step));
  EXPECT_EQ(read_with_h5py(*python, log.live_path(), "--live")["steps"], expected_steps(2, mixed));
  log.close();
  const json closed = read_with_h5py(*python, temp.path() / "rank-00003.000000.h5", "");
  EXPECT_EQ(closed["steps"], expected_steps(2, mixed));
  EXPECT_EQ(closed["filters"], json::parse(R"([["gzip", 1, true, true]])"));
}

TEST(RolloutLogWithH5py, ReadsASegmentThatWasCutBack) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no Python with h5py";
  const testing::TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  for (std::uint64_t step = 0; step < 5; ++step) log.append(sample_batch(step), sample_hashes(step));
  log.close();
  rewind_rollout_log(temp.path(), 1, 0, 1);
  const json cut = read_with_h5py(*python, temp.path() / "rank-00003.000000.h5", "");
  EXPECT_EQ(cut["steps"], expected_steps(2));
  EXPECT_EQ(cut["attributes"]["created"], sample_info().created);
  EXPECT_EQ(cut["recipe"], sample_info().recipe_text);
}

}  // namespace
}  // namespace reckon
