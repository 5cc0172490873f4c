#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/base/verdict.h"
#include "reckon/record/version_run.h"

namespace reckon {

/// q: rendered to token ids once; those ids are what rollout, learner and evaluator use.
struct Prompt {
  std::uint64_t id = 0;  ///< names the problem: the same problem has the same id in every run
  std::string task;      ///< name of the task in the recipe
  std::int64_t level = 0;
  std::string text;
  std::vector<std::uint32_t> token_ids;
  std::string gold;    ///< reference answer, for people and logs
  std::string spec;    ///< what the task's verifier grades by, JSON
  std::string source;  ///< where the problem comes from: "generated", or file:line
};

/// How a completion ended. Numbers are written to rollout logs: never renumber.
enum class FinishReason : std::uint8_t {
  eos = 0,     ///< the policy sampled the end-of-sequence token, which is part of token_ids
  length = 1,  ///< cut off at max_new_tokens
  stop = 2,    ///< a stop string was complete, which is part of token_ids
};
constexpr auto enum_names(FinishReason) {
  return std::array{EnumName{FinishReason::eos, "eos"}, EnumName{FinishReason::length, "length"},
                    EnumName{FinishReason::stop, "stop"}};
}

/// o_i: token ids in, token ids out. Text is derived, for graders and people, and never encoded again.
struct Completion {
  std::uint64_t prompt_id = 0;
  std::uint64_t group_id = 0;            ///< counts the groups of a stage
  std::uint32_t sample_index = 0;        ///< 0 .. group_size - 1
  std::uint64_t policy_version = 0;      ///< of the weights that sampled the first token: the oldest
  std::vector<VersionRun> versions;      ///< of all tokens; empty: all are of policy_version
  std::vector<std::uint32_t> token_ids;  ///< [T]
  std::vector<float> sampler_logprob;    ///< [T], natural log, at the sampling temperature
  FinishReason finish_reason = FinishReason::eos;
  std::string text;  ///< token_ids decoded, special tokens kept, without the end-of-sequence token
  Grade grade = Grade::no_answer;
  Verdict verdict = Verdict::no_answer;
  bool several_answers = false;     ///< that are not the same; follows from text, and is in no log
  std::vector<float> reward_terms;  ///< unweighted, in the order of RolloutBatch::reward_term_names
  float reward = 0;
  float advantage = 0;
};

/// The versions of a completion's tokens, also where it only has policy_version.
[[nodiscard]] std::vector<VersionRun> version_runs(const Completion& completion);

/// The G completions of one prompt.
struct Group {
  Prompt prompt;
  std::uint64_t visit = 0;  ///< how often the prompt had been drawn before in this stage
  std::uint64_t group_id = 0;
  std::uint64_t admission = 0;  ///< place in the order in which the learner took the groups; 0 if synchronous
  std::vector<Completion> completions;

  /// By which the groups of a step stand in order: those of a stage ascend from step to step, without a gap.
  [[nodiscard]] std::uint64_t place() const { return admission > 0 ? admission : group_id; }
};

/// Everything one rank sampled in one step.
struct RolloutBatch {
  std::uint64_t step = 0;
  float temperature = 1;
  std::vector<std::string> reward_term_names;
  std::vector<Group> groups;
};

}  // namespace reckon
