#include <span>
#include <string>
#include <vector>

#include "reckon/base/sha256.h"
#include "reckon/gpu/engine.h"
#include "reckon/rollout/sampler.h"

namespace reckon::gpu {
namespace {

/// A small model with everything that a family can have: normalised heads, grouped queries, an output layer
/// of its own.
DecoderConfig small_config() {
  DecoderConfig config;
  config.vocab_size = 203;
  config.hidden_size = 64;
  config.intermediate_size = 96;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 32;
  config.max_position_embeddings = 512;
  return config;
}

}  // namespace

std::string numerics_fingerprint(Numerics numerics) {
  Decoder decoder(small_config());
  decoder.initialise(0x66696E67u, 0.1);
  Engine engine(decoder, numerics);
  const auto world = make_serial_communicator();
  const auto devices = make_serial_device_communicator();
  Sha256 hash;

  // Two prompts, one of which has several samples; long enough for more than one split of the keys.
  std::vector<std::uint32_t> prompts[2];
  for (std::uint32_t i = 0; i < 150; ++i) prompts[0].push_back(i * 7 % 203);
  prompts[1] = {1, 2, 3};
  std::vector<SampleRequest> requests;
  for (std::uint32_t i = 0; i < 4; ++i) {
    requests.push_back({prompts[0], {.seed = 5, .stage = 2, .prompt_id = 3, .sample_index = i}});
  }
  requests.push_back({prompts[1], {.seed = 5, .stage = 2, .prompt_id = 4}});
  Sampler sampler(engine.sampling_backend());
  const std::vector<Sample> samples = sampler.generate(requests, {.max_new_tokens = 12});

  std::vector<TrainSequence> sequences;
  std::vector<SequenceTerms> terms;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    hash.update(std::as_bytes(std::span(samples[i].token_ids)));
    hash.update(std::as_bytes(std::span(samples[i].logprob)));
    sequences.push_back({requests[i].prompt, samples[i].token_ids});
    terms.push_back(
        {.sampler_logprob = samples[i].logprob, .advantage = i % 2 == 0 ? 1.0f : -0.5f, .weight = 0.02});
  }
  const auto learner = engine.learner({.learning_rate = 1e-3}, {}, *world, *devices, 2, nullptr);
  (void)learner->update(sequences, {.kind = LossKind::policy, .terms = terms}, 1.0f, {});
  (void)learner->update(sequences, {.kind = LossKind::cross_entropy, .terms = terms}, 1.0f, {});
  engine.fetch_weights();
  hash.update(std::as_bytes(std::span(std::as_const(decoder).parameters())));
  return hash.hex_digest();
}

}  // namespace reckon::gpu
