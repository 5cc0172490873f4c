#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "reckon/model/decoder.h"
#include "reckon/record/rollout.h"

namespace reckon {

/// What names a completion: the random numbers of its tokens are a function of these, of the position and of
/// the token id, and of nothing else (design, section 3.1). No rank, slot or batch is in it.
struct SampleKey {
  std::uint64_t seed = 0;   ///< run.seed
  std::uint32_t stage = 0;  ///< stage_key() of the stage's name
  std::uint64_t prompt_id = 0;
  std::uint32_t visit = 0;  ///< how often the prompt was drawn before
  std::uint32_t sample_index = 0;
};

/// The number a stage's name stands for in random keys.
[[nodiscard]] std::uint32_t stage_key(std::string_view stage_name);

/// Gumbel-max: the token that maximises logits[v] / temperature + g_v, where g_v = -log(-log(u)) and u is the
/// Philox word of (key, position, v); a sample of softmax(logits / temperature). Ties go to the lower id.
/// float64. \param position  0 for the first token of the completion
[[nodiscard]] std::uint32_t gumbel_argmax(std::span<const float> logits, double temperature,
                                          const SampleKey& key, std::uint32_t position);
/// The largest logit; ties go to the lower id.
[[nodiscard]] std::uint32_t argmax(std::span<const float> logits);

struct SampleRequest {
  std::span<const std::uint32_t> prompt;  ///< requests of one group give the same span: it is computed once
  SampleKey key;
};

enum class Decoding { sample, greedy };

struct Sample {
  std::vector<std::uint32_t> token_ids;  ///< with the end-of-sequence token, where it ended so
  std::vector<float> logprob;            ///< natural log, at the temperature; also of greedy tokens
  FinishReason finish_reason = FinishReason::eos;
};

struct SampleOptions {
  std::int64_t max_new_tokens = 96;
  double temperature = 1.0;
  std::int64_t max_batch = 256;
  Decoding decoding = Decoding::sample;
  /// Called with each token as it is chosen, by the number of its request; for showing text as it comes.
  std::function<void(std::size_t request, std::uint32_t token_id)> on_token = {};
  /// Called with each completion when it has ended, by the number of its request, while others go on: in
  /// which order depends on max_batch. On the sampler's thread, which waits for it.
  std::function<void(std::size_t request, const Sample& sample)> on_finished = {};
};

/// Decodes completions with a key-value cache, max_batch sequences at a time. What comes out for a request
/// depends on that request and the weights alone.
class Sampler {
 public:
  explicit Sampler(const Decoder& decoder);

  /// \return one sample for each request, in order
  /// \throws Error(usage) where prompt and max_new_tokens do not fit max_position_embeddings.
  std::vector<Sample> generate(std::span<const SampleRequest> requests, const SampleOptions& options);

 private:
  struct Slot;
  void prefill(std::span<const SampleRequest> requests, const SampleOptions& options,
               std::vector<Slot>& slots);
  void choose(std::vector<Slot>& active, std::span<const SampleRequest> requests,
              const SampleOptions& options, std::span<Sample> samples);
  void decode_step(const std::vector<Slot>& active);

  const Decoder& decoder_;
  PackedRows rows_;
  LayerCaches caches_;
  Activations activations_;
  AlignedBuffer hidden_, logits_;
  std::size_t first_request_ = 0;  // of the batch being decoded
};

}  // namespace reckon
