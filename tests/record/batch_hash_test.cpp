#include "reckon/record/batch_hash.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "reckon/base/sha256.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

/// Bytes put together by hand: numbers little-endian, a text or a list with its length in front.
class Bytes {
 public:
  template <class T>
  Bytes& number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& text(const std::string& text) {
    number(std::uint64_t{text.size()});
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return text_; }

 private:
  std::string text_;
};

RolloutBatch batch_by_hand() {
  RolloutBatch batch{.step = 4, .temperature = 0.5F, .reward_term_names = {"accuracy"}, .groups = {}};
  Group group;
  group.prompt = {.id = 11,
                  .task = "t",
                  .level = -2,
                  .text = "pp",
                  .token_ids = {5, 6},
                  .gold = "g",
                  .spec = "{}",
                  .source = "s"};
  group.visit = 12;
  group.group_id = 13;
  group.admission = 14;
  Completion completion;
  completion.prompt_id = 11;
  completion.group_id = 13;
  completion.sample_index = 15;
  completion.policy_version = 16;
  completion.token_ids = {17};
  completion.sampler_logprob = {-0.25F};
  completion.finish_reason = FinishReason::length;
  completion.text = "x";
  completion.grade = Grade::timeout;
  completion.verdict = Verdict::wrong;
  completion.reward_terms = {1.5F};
  completion.reward = 2.5F;
  completion.advantage = -3.5F;
  group.completions = {completion};
  batch.groups = {group};
  return batch;
}

/// Adds what is hashed of the one group of batch_by_hand().
void add_group_by_hand(Bytes& bytes) {
  bytes.number<std::uint64_t>(11).text("t").number<std::int64_t>(-2).text("pp");
  bytes.number<std::uint64_t>(2).number<std::uint32_t>(5).number<std::uint32_t>(6).text("g").text("{}").text(
      "s");
  bytes.number<std::uint64_t>(12).number<std::uint64_t>(13).number<std::uint64_t>(14);
  bytes.number<std::uint64_t>(1);  // completions
  bytes.number<std::uint32_t>(15).number<std::uint64_t>(16);
  bytes.number<std::uint64_t>(1).number<std::uint32_t>(17).number<std::uint64_t>(1).number(-0.25F);
  bytes.number<std::uint8_t>(1).text("x").number<std::uint8_t>(5).number<std::uint8_t>(1);
  bytes.number<std::uint64_t>(1).number(1.5F).number(2.5F).number(-3.5F).number(0.5F);
}

TEST(BatchHash, IsTheSha256OfTheDocumentedBytes) {
  Bytes bytes;
  bytes.text("reckon.rollouts/1").number<std::uint64_t>(4);
  bytes.number<std::uint64_t>(1).text("accuracy");
  bytes.number<std::uint64_t>(1);  // groups
  add_group_by_hand(bytes);
  EXPECT_EQ(batch_sha256(batch_by_hand()), sha256_hex(bytes.str()));
}

TEST(GroupHash, IsTheSha256OfTheDocumentedBytes) {
  Bytes bytes;
  bytes.text("reckon.group/1");
  add_group_by_hand(bytes);
  EXPECT_EQ(group_sha256(batch_by_hand().groups[0], 0.5F), sha256_hex(bytes.str()));
  EXPECT_NE(group_sha256(batch_by_hand().groups[0], 0.25F), sha256_hex(bytes.str()));
}

TEST(GroupHash, CoversVersionsWhereTheyAreSeveral) {
  RolloutBatch batch = batch_by_hand();
  const std::string of_policy_version = group_sha256(batch.groups[0], 0.5F);
  std::vector<VersionRun>& versions = batch.groups[0].completions[0].versions;
  versions = {{0, 16}};
  EXPECT_EQ(group_sha256(batch.groups[0], 0.5F), of_policy_version);  // as in runs that have no others
  versions = {{0, 16}, {1, 18}};
  Bytes bytes;
  bytes.text("reckon.group/1");
  add_group_by_hand(bytes);
  bytes.text("versions").number<std::uint64_t>(2);
  bytes.number<std::uint64_t>(0).number<std::uint64_t>(16).number<std::uint64_t>(1).number<std::uint64_t>(18);
  EXPECT_EQ(group_sha256(batch.groups[0], 0.5F), sha256_hex(bytes.str()));
}

TEST(RolloutsHash, IsTheSha256OfTheDigestsEachWithALineFeed) {
  const std::vector<std::string> digests = {std::string(64, 'a'), std::string(64, '0')};
  EXPECT_EQ(rollouts_sha256(digests), sha256_hex(digests[0] + "\n" + digests[1] + "\n"));
  EXPECT_EQ(rollouts_sha256({}), sha256_hex(""));
}

TEST(BatchHash, ChangesWithEveryField) {
  const std::vector<std::function<void(RolloutBatch&)>> changes = {
      [](auto&) {},
      [](auto& b) { ++b.step; },
      [](auto& b) { b.temperature = 0.8F; },
      [](auto& b) { b.reward_term_names[0] = "other"; },
      [](auto& b) { b.groups.pop_back(); },
      [](auto& b) { std::swap(b.groups[0], b.groups[1]); },
      [](auto& b) { ++b.groups[1].prompt.id; },
      [](auto& b) { b.groups[1].prompt.task += "x"; },
      [](auto& b) { ++b.groups[1].prompt.level; },
      [](auto& b) { b.groups[1].prompt.text += "x"; },
      [](auto& b) { b.groups[1].prompt.token_ids.push_back(0); },
      [](auto& b) { b.groups[1].prompt.gold += "x"; },
      [](auto& b) { b.groups[1].prompt.spec += "x"; },
      [](auto& b) { b.groups[1].prompt.source += "x"; },
      [](auto& b) { ++b.groups[1].visit; },
      [](auto& b) { ++b.groups[1].group_id; },
      [](auto& b) { ++b.groups[1].admission; },
      [](auto& b) { b.groups[1].completions.pop_back(); },
      [](auto& b) { ++b.groups[1].completions[1].sample_index; },
      [](auto& b) { ++b.groups[1].completions[1].policy_version; },
      [](auto& b) {
        b.groups[1].completions[1].versions = {{0, 11}, {1, 12}};
      },
      [](auto& b) {
        b.groups[1].completions[1].versions = {{0, 11}, {1, 13}};
      },
      [](auto& b) {
        b.groups[1].completions[1].versions = {{0, 11}, {2, 13}};
      },
      [](auto& b) { b.groups[1].completions[1].token_ids[0] ^= 1U; },
      [](auto& b) { b.groups[1].completions[1].sampler_logprob[0] -= 1e-3F; },
      [](auto& b) { b.groups[1].completions[1].finish_reason = FinishReason::length; },
      [](auto& b) { b.groups[1].completions[1].text += "x"; },
      [](auto& b) { b.groups[1].completions[1].grade = Grade{200}; },
      [](auto& b) { b.groups[1].completions[1].verdict = Verdict{200}; },
      [](auto& b) { b.groups[1].completions[1].reward_terms[1] += 1; },
      [](auto& b) { b.groups[1].completions[1].reward += 1; },
      [](auto& b) { b.groups[1].completions[1].advantage += 1; },
  };
  std::set<std::string> digests;
  for (const auto& change : changes) {
    RolloutBatch batch = testing::sample_batch(1);
    change(batch);
    digests.insert(batch_sha256(batch));
  }
  EXPECT_EQ(digests.size(), changes.size());
}

TEST(BatchHash, IsTheSameForABatchThatWentThroughALog) {
  const testing::TempDir temp;
  RolloutLogWriter log(temp.path(), testing::sample_info(), testing::sample_terms());
  log.append(testing::sample_batch(2), {});
  const std::string live = batch_sha256(RolloutLogReader(log.live_path()).read(0).batch);
  log.close();
  const std::string closed =
      batch_sha256(RolloutLogReader(temp.path() / "rank-00003.000000.h5").read(0).batch);
  EXPECT_EQ(live, batch_sha256(testing::sample_batch(2)));
  EXPECT_EQ(closed, live);
}

}  // namespace
}  // namespace reckon
