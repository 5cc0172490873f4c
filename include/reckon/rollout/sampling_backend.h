#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "reckon/model/decoder.h"
#include "reckon/ops/kv_blocks.h"
#include "reckon/ops/sample_token.h"

namespace reckon {

/// How the next token is chosen: by sample_token(), or as the likeliest, argmax().
enum class Decoding { sample, greedy };

/// A row to choose a token for: of the last forward pass, or kept from an earlier one.
struct TokenChoice {
  std::int64_t row = 0;  ///< of the pass; the place, where it is kept
  bool kept = false;
  SampleKey key = {};          ///< not used by greedy decoding
  std::uint32_t position = 0;  ///< of the token in its completion, from 0
};

/// Runs rows through a model and chooses tokens, wherever the model is. What comes out for a row depends on
/// its sequence, key and position alone.
class SamplingBackend {
 public:
  virtual ~SamplingBackend() = default;

  [[nodiscard]] virtual const DecoderConfig& config() const = 0;
  /// Empties the cache and makes room for so many blocks, for the weights as they are now. Rows that were
  /// kept are forgotten.
  virtual void reset_cache(std::int64_t num_blocks) = 0;
  /// The book of the cache: slots are opened, forked and closed in it between passes.
  [[nodiscard]] virtual KvBlocks& cache() = 0;
  /// Memory of a block for keys and values, in all layers.
  [[nodiscard]] virtual std::int64_t bytes_per_block() const = 0;

  /// One forward pass. Earlier positions of the rows' slots must be in the cache, among the rows, or forked
  /// from such. Finishes the pending forks. \throws as check_rows()
  virtual void forward(const PackedRows& rows) = 0;
  /// Keeps a row of the last pass at a place of its own (0, 1, ...; as few as are needed at once), until
  /// another is kept there.
  virtual void keep(std::int64_t row, std::int64_t place) = 0;
  /// One token for each choice, with its log-probability at the temperature (natural log). Choices of one row
  /// stand together where they can: its logits are computed once.
  /// \param tokens  [choices.size()], written
  /// \throws std::invalid_argument where there is no such row or place, or the sizes differ.
  virtual void choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
                      std::span<SampledToken> tokens) = 0;
};

/// Samples from a decoder on the CPU, bit for bit the learner's distribution. \param decoder  must outlive it
[[nodiscard]] std::unique_ptr<SamplingBackend> make_cpu_sampling_backend(const Decoder& decoder);

}  // namespace reckon
