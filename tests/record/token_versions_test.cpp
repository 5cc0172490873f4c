// Logs of stages whose weights are replaced while completions are under way.
#include <gtest/gtest.h>

#include "reckon/record/batch_hash.h"
#include "reckon/record/guarded_log.h"
#include "reckon/record/rewind.h"
#include "reckon/record/rollout_log.h"
#include "reckon/record/version_run.h"
#include "record/read_step.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
using testing::error_of;
using testing::expect_same_batch;
using testing::sample_batch;
using testing::TempDir;

RolloutLogInfo info_with_versions() {
  RolloutLogInfo info = testing::sample_info();
  info.versions = LoggedVersions::token;
  return info;
}

/// A batch of which some completions were gone on with by one or two newer versions.
RolloutBatch mixed_batch(std::uint64_t step) {
  RolloutBatch batch = sample_batch(step);
  for (Group& group : batch.groups) {
    for (Completion& completion : group.completions) {
      const std::uint64_t tokens = completion.token_ids.size();
      const std::uint64_t version = completion.policy_version;
      if (tokens > 0) completion.versions = {{0, version}};
      if (tokens > 1) completion.versions.push_back({1, version + 1});
      if (tokens > 9 && completion.sample_index == 2)
        completion.versions.push_back({tokens - 1, version + 5});
    }
  }
  return batch;
}

TEST(TokenVersions, ComeBackFromTheLiveFileAndTheClosedOne) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), info_with_versions(), testing::sample_terms());
  for (std::uint64_t step = 0; step < 3; ++step) log.append(mixed_batch(step), {});
  const auto expect_steps = [](const std::filesystem::path& file, std::uint64_t count) {
    const RolloutLogReader reader(file);
    EXPECT_EQ(reader.info().versions, LoggedVersions::token);
    ASSERT_EQ(reader.num_steps(), count);
    for (std::uint64_t step = 0; step < count; ++step) {
      const RolloutBatch batch = reader.read(step).batch;
      expect_same_batch(batch, mixed_batch(step));
      EXPECT_EQ(batch_sha256(batch), batch_sha256(mixed_batch(step)));
    }
  };
  expect_steps(log.live_path(), 3);
  log.close();
  const std::filesystem::path closed = temp.path() / "rank-00003.000000.h5";
  expect_steps(closed, 3);
  expect_same_batch(open_own_log(closed)->read(2).batch, mixed_batch(2));
  rewind_rollout_log(temp.path(), 1, 0, 1);
  expect_steps(closed, 2);
}

TEST(TokenVersions, ALogWithoutThemHasThatOfTheCompletion) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), testing::sample_info(), testing::sample_terms());
  log.append(sample_batch(2), {});
  const RolloutLogReader reader(log.live_path());
  EXPECT_EQ(reader.info().versions, LoggedVersions::completion);
  for (const Group& group : reader.read(0).batch.groups) {
    for (const Completion& completion : group.completions) {
      const std::vector<VersionRun> one{{0, 12}};
      EXPECT_EQ(completion.versions, completion.token_ids.empty() ? std::vector<VersionRun>{} : one);
    }
  }
}

TEST(TokenVersions, WhatALogCannotSayIsRefused) {
  const TempDir temp;
  const auto refusal = [&](const RolloutLogInfo& info, const std::vector<VersionRun>& versions) {
    RolloutLogWriter log(temp.path(), info, testing::sample_terms());
    RolloutBatch batch = sample_batch(0);
    Completion& completion = batch.groups[0].completions[1];
    completion.token_ids.resize(4);
    completion.sampler_logprob.resize(4);
    completion.versions = versions;
    return error_of(ExitCode::internal, [&] { log.append(batch, {}); });
  };
  EXPECT_EQ(refusal(testing::sample_info(), {{0, 10}, {2, 11}}),
            "rollout log: group 0: tokens of 2 versions (need one: the log has no more)");
  EXPECT_EQ(refusal(info_with_versions(), {{0, 9}, {2, 11}}),
            "rollout log: group 0: a first token of version 9 (need 10, the policy_version)");
  EXPECT_EQ(refusal(info_with_versions(), {{0, 10}, {4, 11}}),
            "rollout log: group 0: version run 1 begins at token 4 of 4, of version 11 (need a token and a "
            "version after 0 and 10)");
  EXPECT_EQ(refusal(info_with_versions(), {{1, 10}}),
            "rollout log: group 0: version run 0 begins at token 1 of 4, of version 10 (need token 0)");
}

/// A column in memory, for tables that no writer makes.
template <class T>
struct MemoryColumn {
  std::string dataset;
  std::vector<T> cells;
  [[nodiscard]] const std::string& name() const { return dataset; }
  [[nodiscard]] std::uint64_t size() const { return cells.size(); }
  [[nodiscard]] std::vector<T> read(std::uint64_t first, std::uint64_t count) const {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }
};

std::string damage(const std::vector<std::uint64_t>& token_versions) {
  RolloutTablesOf<MemoryColumn> tables;
  tables.tokens.policy_version.emplace();
  visit_all(tables, [](const std::string& name, auto& column, Element) { column.dataset = name; });
  tables.tokens.policy_version->cells = token_versions;
  const CheckedTables checked("l.h5", tables);
  StepColumns columns;
  columns.policy_version = {7, 7};
  columns.token_offsets = {100, 101, 104};
  columns.token_version = token_versions;
  return error_of(ExitCode::bad_data, [&] { (void)read_versions(checked, columns, 1); });
}

TEST(TokenVersions, ThatContradictTheirCompletionAreDamage) {
  EXPECT_EQ(damage({7, 8, 8, 9}),
            "l.h5: tokens/policy_version: row 101 is 8 (need 7, as its completion). Is the file damaged?");
  EXPECT_EQ(damage({7, 7, 9, 8}),
            "l.h5: tokens/policy_version: row 103 is 8 (need at least 9, as the token before). Is the file "
            "damaged?");
  EXPECT_EQ(damage({7, 7, 9, 7}),
            "l.h5: tokens/policy_version: row 103 is 7 (need at least 9, as the token before). Is the file "
            "damaged?");
}

}  // namespace
}  // namespace reckon
