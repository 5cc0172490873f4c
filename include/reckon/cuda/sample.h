#pragma once

#include <cstdint>

#include "reckon/cuda/stream.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {

/// What names a draw, made on the host from SampleKey (reckon/ops/sample_token.h): the Philox key of (seed,
/// stage, prompt) and the words of the counter beside token / 4. The same numbers as on the CPU.
struct DrawKey {
  std::uint32_t key[2] = {};
  std::uint32_t position = 0, visit = 0, sample_index = 0;
  std::uint32_t greedy = 0;  ///< 1: the largest logit instead of a draw
};

/// Gumbel-max over each row: argmax_v x_v / T + g_v, ties to the lower id, in one pass with the
/// log-probability and entropy of the token, whose bits are those of token_logprob(). Scores are float64, as
/// on the CPU, where they can decide: with T as a float32. Where nothing can be drawn (all NaN or -inf), and
/// for a greedy row that holds NaN, the token is 0. token_ids [R].
void sample_tokens(const LogitRows& logits, const DrawKey* keys, float temperature, std::uint32_t* token_ids,
                   const TokenOutputs& out, Stream stream);

}  // namespace reckon::cuda
