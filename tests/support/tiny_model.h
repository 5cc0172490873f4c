#pragma once

#include <memory>

#include "reckon/model/decoder.h"

namespace reckon::testing {

/// A model small enough for finite differences: every part of the default shape, with grouped queries.
inline DecoderConfig tiny_config(std::int64_t vocab = 11, bool tied = true) {
  DecoderConfig config;
  config.vocab_size = vocab;
  config.hidden_size = 24;
  config.intermediate_size = 20;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.max_position_embeddings = 64;
  config.tie_word_embeddings = tied;
  config.eos_token_ids = {0};
  return config;
}

inline std::unique_ptr<Decoder> tiny_model(std::uint64_t seed, std::int64_t vocab = 11, bool tied = true,
                                           double deviation = 0.3) {
  auto model = std::make_unique<Decoder>(tiny_config(vocab, tied));
  model->initialise(seed, deviation);
  return model;
}

}  // namespace reckon::testing
