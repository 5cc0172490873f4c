#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/record/rollout.h"
#include "reckon/record/rollout_log.h"

namespace reckon::testing {

inline RolloutLogInfo sample_info() {
  return {.run_id = "run-7",
          .stage = "rl-1",
          .rank = 3,
          .world_size = 4,
          .recipe_text = "[run]\nname = \"größe\"\n",
          .tokenizer_sha256 = std::string(64, 'a'),
          .grader_version = "1",
          .fingerprint = std::string(64, 'b'),
          .created = "2026-01-02T03:04:05Z"};
}

inline const std::vector<std::string>& sample_terms() {
  static const std::vector<std::string> terms = {"format", "accuracy"};  // not in the order of the alphabet
  return terms;
}

inline StepHashes sample_hashes(std::uint64_t step) {
  return {std::string(64, static_cast<char>('0' + step % 10)), std::string(64, 'c'), std::string(64, 'd')};
}

inline Prompt sample_prompt(std::uint64_t id) {
  Prompt prompt;
  prompt.id = 0xF000000000000000U + id;
  prompt.task = "arithmetic";
  prompt.level = -static_cast<std::int64_t>(id);
  prompt.text = "3+5×" + std::to_string(id);
  prompt.token_ids.assign(id % 4, static_cast<std::uint32_t>(100000 + id));  // every fourth has none
  prompt.gold = std::to_string(id);
  prompt.spec = "{\"answer\":" + std::to_string(id) + "}";
  prompt.source = id % 2 == 0 ? "generated" : "";
  return prompt;
}

/// A step whose completions have between 0 and max_tokens tokens, all drawn from the step's number.
/// The prompts of steps 0, 3, 6 ... are the same.
inline RolloutBatch sample_batch(std::uint64_t step, std::uint64_t num_groups = 2,
                                 std::uint64_t group_size = 3, std::uint32_t max_tokens = 40) {
  RandomStream random(7, 1, static_cast<std::uint32_t>(step));
  RolloutBatch batch{.step = step, .temperature = 0.7F, .reward_term_names = sample_terms(), .groups = {}};
  for (std::uint64_t g = 0; g < num_groups; ++g) {
    Group group;
    group.prompt = sample_prompt((step % 3) * num_groups + g);
    group.visit = step / 3;
    group.group_id = step * num_groups + g;
    group.admission = group.group_id;  // as if they had been complete in the order of their numbers
    for (std::uint32_t i = 0; i < group_size; ++i) {
      Completion completion;
      completion.prompt_id = group.prompt.id;
      completion.group_id = group.group_id;
      completion.sample_index = i;
      completion.policy_version = step + 10;
      const std::uint32_t length = i == 0 ? 0 : random.below(max_tokens) + 1;
      for (std::uint32_t t = 0; t < length; ++t) {
        completion.token_ids.push_back(random.below(151936));
        completion.sampler_logprob.push_back(static_cast<float>(-random.uniform()));
      }
      completion.finish_reason = i % 2 == 0 ? FinishReason::length : FinishReason::eos;
      completion.text = i == 0 ? "" : std::string("a\0√", 5) + std::to_string(random.next_u32());
      completion.grade = static_cast<Grade>(random.below(7));
      completion.verdict = verdict_of(completion.grade);
      completion.reward_terms = {static_cast<float>(random.uniform()), -0.5F};
      completion.reward = static_cast<float>(random.normal());
      completion.advantage = -completion.reward;
      group.completions.push_back(completion);
    }
    batch.groups.push_back(group);
  }
  return batch;
}

/// Floats are compared by their bits: a log is to give back the very numbers, NaN and -0 included.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

inline void expect_same_completion(const Completion& a, const Completion& b) {
  EXPECT_EQ(a.prompt_id, b.prompt_id);
  EXPECT_EQ(a.group_id, b.group_id);
  EXPECT_EQ(a.sample_index, b.sample_index);
  EXPECT_EQ(a.policy_version, b.policy_version);
  EXPECT_EQ(version_runs(a), version_runs(b));
  EXPECT_EQ(a.token_ids, b.token_ids);
  EXPECT_TRUE(same_bits(a.sampler_logprob, b.sampler_logprob));
  EXPECT_EQ(a.finish_reason, b.finish_reason);
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.grade, b.grade);
  EXPECT_EQ(a.verdict, b.verdict);
  EXPECT_TRUE(same_bits(a.reward_terms, b.reward_terms));
  EXPECT_TRUE(same_bits({a.reward, a.advantage}, {b.reward, b.advantage}));
}

inline void expect_same_batch(const RolloutBatch& a, const RolloutBatch& b) {
  SCOPED_TRACE("step " + std::to_string(b.step));
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.reward_term_names, b.reward_term_names);
  ASSERT_EQ(a.groups.size(), b.groups.size());
  for (std::size_t g = 0; g < a.groups.size(); ++g) {
    const Group& x = a.groups[g];
    const Group& y = b.groups[g];
    EXPECT_EQ(x.prompt.id, y.prompt.id);
    EXPECT_EQ(x.prompt.task, y.prompt.task);
    EXPECT_EQ(x.prompt.level, y.prompt.level);
    EXPECT_EQ(x.prompt.text, y.prompt.text);
    EXPECT_EQ(x.prompt.token_ids, y.prompt.token_ids);
    EXPECT_EQ(x.prompt.gold, y.prompt.gold);
    EXPECT_EQ(x.prompt.spec, y.prompt.spec);
    EXPECT_EQ(x.prompt.source, y.prompt.source);
    EXPECT_EQ(x.visit, y.visit);
    EXPECT_EQ(x.group_id, y.group_id);
    EXPECT_EQ(x.admission, y.admission);
    ASSERT_EQ(x.completions.size(), y.completions.size());
    for (std::size_t i = 0; i < x.completions.size(); ++i) {
      expect_same_completion(x.completions[i], y.completions[i]);
    }
  }
}

/// The file holds exactly the sample batches first .. first + count - 1.
inline void expect_sample_steps(const std::filesystem::path& file, std::uint64_t first, std::uint64_t count) {
  SCOPED_TRACE(file.string());
  const RolloutLogReader reader(file);
  ASSERT_EQ(reader.num_steps(), count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const RolloutStep step = reader.read(i);
    expect_same_batch(step.batch, sample_batch(first + i));
    EXPECT_EQ(step.hashes, sample_hashes(first + i));
  }
}

/// The message of the Error with this code that the call throws; a failure of the test where it throws none.
inline std::string error_of(ExitCode code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace reckon::testing
