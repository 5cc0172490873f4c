#include "reckon/record/group_wire.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "record/sample_batches.h"

namespace reckon {
namespace {

Group sample_group() {
  Group group = testing::sample_batch(4).groups[1];
  Completion& mixed = group.completions[2];
  mixed.token_ids = {5, 6, 7, 8};
  mixed.sampler_logprob = {-1.0F, -0.0F, -2.5F, -3.0F};
  mixed.versions = {{0, mixed.policy_version}, {1, mixed.policy_version + 1}, {3, mixed.policy_version + 4}};
  mixed.several_answers = true;
  return group;
}

/// What comes of a group at the other end.
Group without_texts(Group group) {
  const std::uint64_t id = group.prompt.id;
  group.prompt = {};
  group.prompt.id = id;
  group.admission = 0;
  for (Completion& completion : group.completions) completion.text.clear();
  return group;
}

Group back(std::string_view record) {
  Group group = take_group_wire(record);
  EXPECT_EQ(record, "");
  return group;
}

void expect_same_group(const Group& actual, const Group& expected) {
  EXPECT_EQ(actual.group_id, expected.group_id);
  EXPECT_EQ(actual.visit, expected.visit);
  EXPECT_EQ(actual.prompt.id, expected.prompt.id);
  ASSERT_EQ(actual.completions.size(), expected.completions.size());
  for (std::size_t i = 0; i < actual.completions.size(); ++i) {
    testing::expect_same_completion(actual.completions[i], expected.completions[i]);
    EXPECT_EQ(actual.completions[i].several_answers, expected.completions[i].several_answers);
  }
}

std::string refusal(std::string record) {
  std::string_view rest = record;
  const std::string message = testing::error_of(ExitCode::bad_data, [&] { (void)take_group_wire(rest); });
  EXPECT_EQ(rest.size(), record.size());  // nothing was taken
  return message;
}

TEST(GroupWire, GivesAGroupBackWithoutItsTexts) {
  expect_same_group(back(group_wire(sample_group())), without_texts(sample_group()));
  const Group group = back(group_wire(sample_group()));
  EXPECT_EQ(group.completions[1].versions, (std::vector<VersionRun>{{0, 14}}));  // also where only implied
}

// schema 4, group_id, visit, prompt id and count 8 each; a completion: sample_index 4, policy_version 8,
// three lists and the runs 8 each, tokens 8 each, codes 3, reward and advantage 4 each, 8 for its two terms,
// runs 16 each, several_answers 1.
TEST(GroupWire, IsAsLongAsWhatItSays) {
  Group group = sample_group();
  group.completions.erase(group.completions.begin(), group.completions.begin() + 2);
  EXPECT_EQ(group_wire(group).size(), 36u + 4 + 8 + 4 * 8 + 4 * 8 + 3 + 8 + 8 + 3 * 16 + 1);
}

TEST(GroupWire, RecordsStandOneBehindTheOther) {
  Group second = sample_group();
  second.group_id += 1;
  for (Completion& completion : second.completions) completion.group_id += 1;
  const std::string records = group_wire(sample_group()) + group_wire(second);
  std::string_view rest = records;
  expect_same_group(take_group_wire(rest), without_texts(sample_group()));
  expect_same_group(take_group_wire(rest), without_texts(second));
  EXPECT_TRUE(rest.empty());
}

TEST(GroupWire, AnyGroupComesBackByteForByte) {
  const auto any_completion = [](std::uint32_t index) {
    Completion completion;
    completion.sample_index = index;
    completion.policy_version = *rc::gen::inRange<std::uint64_t>(0, 1U << 30);
    completion.token_ids = *rc::gen::arbitrary<std::vector<std::uint32_t>>();
    for (std::size_t i = 0; i < completion.token_ids.size(); ++i)
      completion.sampler_logprob.push_back(std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>()));
    std::uint64_t version = completion.policy_version;
    for (std::uint64_t first = 0; first < completion.token_ids.size();) {
      completion.versions.push_back({first, version});
      first += *rc::gen::inRange<std::uint64_t>(1, 9);
      version += *rc::gen::inRange<std::uint64_t>(1, 4);
    }
    completion.finish_reason = static_cast<FinishReason>(*rc::gen::inRange(0, 3));
    completion.grade = static_cast<Grade>(*rc::gen::inRange(0, 7));
    completion.verdict = verdict_of(completion.grade);
    completion.reward_terms = *rc::gen::arbitrary<std::vector<float>>();
    completion.reward = *rc::gen::arbitrary<float>();
    completion.advantage = std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>());
    completion.several_answers = *rc::gen::arbitrary<bool>();
    return completion;
  };
  EXPECT_TRUE(rc::check("round trip", [&] {
    Group group;
    group.group_id = *rc::gen::arbitrary<std::uint64_t>();
    group.visit = *rc::gen::arbitrary<std::uint64_t>();
    group.prompt.id = *rc::gen::arbitrary<std::uint64_t>();
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 6);
    for (std::uint32_t i = 0; i < count; ++i) group.completions.push_back(any_completion(i));
    const std::string record = group_wire(group);
    std::string_view rest = record;
    const Group came = take_group_wire(rest);
    RC_ASSERT(rest.empty());
    RC_ASSERT(group_wire(came) == record);  // what the fields are is tested above
    for (const Completion& completion : came.completions) {
      RC_ASSERT(completion.group_id == group.group_id && completion.prompt_id == group.prompt.id);
    }
  }));
}

TEST(GroupWire, RefusesEveryRecordThatIsCutOff) {
  const std::string record = group_wire(sample_group());
  for (std::size_t size = 0; size < record.size(); ++size) {
    const std::string message = refusal(record.substr(0, size));
    EXPECT_TRUE(message == "group record: a message that ends too soon" ||
                message == "group record: a list longer than its message")
        << size << ": " << message;
  }
}

/// A list that claims 2^60 elements must not be made.
TEST(GroupWire, RefusesACountThatTheRecordHasNoRoomFor) {
  const std::string record = group_wire(sample_group());
  int num_counts = 0;
  for (std::size_t at = 0; at + 8 <= record.size(); ++at) {
    std::string bad = record;
    bad[at + 7] = '\x10';
    try {
      std::string_view rest = bad;
      (void)take_group_wire(rest);
    } catch (const Error& error) {
      num_counts += error.what() == std::string("group record: a list longer than its message") ? 1 : 0;
    }
  }
  EXPECT_GE(num_counts, 1 + 3 * 4);  // of completions, and of each one's lists
}

TEST(GroupWire, RefusesWhatContradictsItself) {
  const auto changed = [](const std::function<void(Group&)>& change) {
    Group group = sample_group();
    change(group);
    return refusal(group_wire(group));
  };
  EXPECT_EQ(changed([](Group& g) { g.completions[2].token_ids.pop_back(); }),
            "group record: 3 tokens with 4 log-probs");
  EXPECT_EQ(changed([](Group& g) { g.completions[2].versions[2].first_token = 4; }),
            "group record: version run 2 begins at token 4 of 4, of version 18 (need a token and a version "
            "after 1 and 15)");
  EXPECT_EQ(changed([](Group& g) { g.completions[2].policy_version = 15; }),
            "group record: a first token of version 14 (need 15, the policy_version)");
  EXPECT_EQ(changed([](Group& g) { g.completions[2].sample_index = 1; }),
            "group record: sample 1 stands twice");
  EXPECT_EQ(changed([](Group& g) { g.completions[1].verdict = static_cast<Verdict>(9); }),
            "group record: an unknown code, 9");
  std::string record = group_wire(sample_group());
  record.back() = '\x02';
  EXPECT_EQ(refusal(record), "group record: an unknown code, 2");
  record = group_wire(sample_group());
  record.front() = '\x02';
  EXPECT_EQ(refusal(record), "group record: schema 2 (need 1)");
}

}  // namespace
}  // namespace reckon
