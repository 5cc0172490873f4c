#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon {

/// The number a stage's name stands for in random keys.
[[nodiscard]] std::uint32_t stage_key(std::string_view stage_name);

struct SampleRequest {
  std::span<const std::uint32_t> prompt;  ///< requests of one group give the same span: it is computed once
  SampleKey key;
};

struct Sample {
  std::vector<std::uint32_t> token_ids;  ///< with the end-of-sequence token, where it ended so
  std::vector<float> logprob;            ///< natural log, at the temperature; also of greedy tokens
  FinishReason finish_reason = FinishReason::eos;
};

struct SampleOptions {
  std::int64_t max_new_tokens = 96;
  double temperature = 1.0;
  std::int64_t max_batch = 256;
  std::int64_t kv_budget_mib = 0;  ///< memory for keys and values; 0: as much as max_batch needs
  Decoding decoding = Decoding::sample;
  /// Asked after each token that did not end the completion: whether what is there ends it (stop strings).
  std::function<bool(std::span<const std::uint32_t> token_ids)> is_stop = {};
  /// Called with each token as it is chosen, by the number of its request; for showing text as it comes.
  std::function<void(std::size_t request, std::uint32_t token_id)> on_token = {};
  /// Called with each completion when it has ended, by the number of its request, while others go on: in
  /// which order depends on max_batch. On the sampler's thread, which waits for it.
  std::function<void(std::size_t request, const Sample& sample)> on_finished = {};
};

class AdmissionQueue;
struct PromptGroup;

/// Decodes completions with a key-value cache, max_batch sequences at a time: when one has ended, the next
/// takes its place at the next token. A prompt's keys and values are computed once for the requests that
/// share it. What comes out for a request depends on that request and the weights alone.
class Sampler {
 public:
  explicit Sampler(std::unique_ptr<SamplingBackend> backend);
  /// On the CPU. \param decoder  must outlive it
  explicit Sampler(const Decoder& decoder);

  /// \return one sample for each request, in order
  /// \throws Error(usage) where prompt and max_new_tokens do not fit max_position_embeddings, or one sequence
  /// does not fit kv_budget_mib.
  std::vector<Sample> generate(std::span<const SampleRequest> requests, const SampleOptions& options);

 private:
  /// A sequence being decoded.
  struct Active {
    std::size_t request = 0;
    std::int32_t slot = 0;
    std::int32_t position = 0;  // of the token that is fed next
    std::uint32_t last_token = 0;
  };
  /// A request that is about to become active.
  struct Admission {
    std::size_t request = 0;
    const PromptGroup* group = nullptr;
  };
  void admit(AdmissionQueue& queue);
  void take_ready(AdmissionQueue& queue);
  void add_prompt_rows(AdmissionQueue& queue);
  void step(AdmissionQueue& queue);
  void choose_next_tokens();
  void add_choice(std::size_t request, std::int64_t row, bool kept);
  void choose();
  [[nodiscard]] bool add_token(std::size_t request, const SampledToken& chosen);

  std::unique_ptr<SamplingBackend> backend_;
  PackedRows rows_;
  std::vector<Active> active_;
  std::vector<Admission> admissions_;
  std::vector<TokenChoice> choices_;
  std::vector<SampledToken> tokens_;  // of the choices
  // Of the call of generate() that runs:
  std::span<const SampleRequest> requests_;
  const SampleOptions* options_ = nullptr;
  std::vector<Sample> samples_;
};

}  // namespace reckon
