#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon {

/// The number a stage's name stands for in random keys.
[[nodiscard]] std::uint32_t stage_key(std::string_view stage_name);

/// A completion as far as it has been sampled.
struct Sample {
  std::vector<std::uint32_t> token_ids;            ///< with the end-of-sequence token, where it ended so
  std::vector<float> logprob;                      ///< natural log, at the temperature; also of greedy tokens
  std::vector<VersionRun> versions;                ///< of the weights that its tokens come from
  FinishReason finish_reason = FinishReason::eos;  ///< nothing where it has not ended
};

struct SampleRequest {
  std::span<const std::uint32_t> prompt;  ///< requests of one group give the same span: it is computed once
  SampleKey key = {};
  /// What was sampled of it before, maybe elsewhere and by older weights: its tokens go on behind it.
  Sample so_far = {};
};

struct SampleOptions {
  std::int64_t max_new_tokens = 96;
  double temperature = 1.0;
  std::int64_t max_batch = 256;
  std::int64_t kv_budget_mib = 0;  ///< memory for keys and values; 0: as much as max_batch needs
  Decoding decoding = Decoding::sample;
  std::uint64_t policy_version = 0;  ///< of the backend's weights: what the samples' versions say
  /// Asked after each token that did not end the completion: whether what is there ends it (stop strings).
  std::function<bool(std::span<const std::uint32_t> token_ids)> is_stop = {};
  /// Called with each token as it is chosen, by the number of its request; for showing text as it comes.
  std::function<void(std::size_t request, std::uint32_t token_id)> on_token = {};
  /// Called with each completion when it has ended, by the number of its request, while others go on: in
  /// which order depends on max_batch. On the sampler's thread, which waits for it.
  std::function<void(std::size_t request, const Sample& sample)> on_finished = {};
};

}  // namespace reckon
