#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "reckon/ops/token_logprob.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon {
namespace {

// Rows of logits that exist at once.
constexpr std::size_t kLogitRows = 64;

class CpuSamplingBackend : public SamplingBackend {
 public:
  explicit CpuSamplingBackend(const Decoder& decoder) : decoder_(decoder) {}

  [[nodiscard]] const DecoderConfig& config() const override { return decoder_.config(); }
  void reset_cache(std::int64_t num_blocks) override {
    decoder_.reset_cache(cache_, num_blocks);
    num_rows_ = 0;
    for (std::vector<float>& row : kept_) row.clear();
  }
  [[nodiscard]] KvBlocks& cache() override { return cache_; }
  [[nodiscard]] std::int64_t bytes_per_block() const override {
    return KvCache::bytes_per_block(decoder_.kv_shape());
  }

  void forward(const PackedRows& rows) override {
    num_rows_ = 0;
    hidden_.resize(rows.size() * width());
    decoder_.forward(rows, cache_, activations_, hidden_);
    num_rows_ = rows.size();
  }

  void keep(std::int64_t row, std::int64_t place) override {
    const std::span<const float> hidden = hidden_of({.row = row}, 1);
    if (place < 0) throw std::invalid_argument("SamplingBackend::keep: place " + std::to_string(place));
    const auto index = static_cast<std::size_t>(place);
    if (index >= kept_.size()) kept_.resize(index + 1);
    kept_[index].assign(hidden.begin(), hidden.end());
  }

  void choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
              std::span<SampledToken> tokens) override {
    if (choices.size() != tokens.size()) {
      throw std::invalid_argument("SamplingBackend::choose: " + std::to_string(choices.size()) +
                                  " choices, room for " + std::to_string(tokens.size()) + " tokens");
    }
    const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
    for (std::size_t first = 0; first < choices.size();) {
      const bool same_row = choices[first].kept;
      const std::size_t count = run_length(choices.subspan(first));
      compute_logits(choices[first], same_row ? 1 : count);
      for (std::size_t i = 0; i < count; ++i) {
        tokens[first + i] = choose_token(logits_.span().subspan(same_row ? 0 : i * vocab, vocab), temperature,
                                         decoding, choices[first + i]);
      }
      first += count;
    }
  }

 private:
  [[nodiscard]] std::size_t width() const { return static_cast<std::size_t>(decoder_.config().hidden_size); }

  /// What the head reads of a choice's row, or of so many rows from it on.
  /// \throws std::invalid_argument where they are not there
  [[nodiscard]] std::span<const float> hidden_of(const TokenChoice& choice, std::size_t rows) const {
    const auto first = static_cast<std::size_t>(choice.row);  // negative ones are beyond every size
    if (choice.kept && first < kept_.size() && !kept_[first].empty()) return kept_[first];
    if (!choice.kept && first < num_rows_ && rows <= num_rows_ - first)
      return hidden_.span().subspan(first * width(), rows * width());
    throw std::invalid_argument(
        "SamplingBackend: " +
        (choice.kept ? "no row is kept at place " + std::to_string(choice.row)
                     : "row " + std::to_string(choice.row) + " of a pass of " + std::to_string(num_rows_)));
  }

  /// Choices from the first on that one product serves: of the same kept row, or of rows that follow each
  /// other in the pass.
  [[nodiscard]] static std::size_t run_length(std::span<const TokenChoice> choices) {
    const TokenChoice& first = choices.front();
    std::size_t count = 1;
    while (count < choices.size() && choices[count].kept == first.kept &&
           choices[count].row == first.row + (first.kept ? 0 : static_cast<std::int64_t>(count)) &&
           (first.kept || count < kLogitRows)) {
      ++count;
    }
    return count;
  }

  void compute_logits(const TokenChoice& first, std::size_t rows) {
    const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
    logits_.resize(rows * vocab);
    decoder_.logits(hidden_of(first, rows), logits_);
  }

  [[nodiscard]] static SampledToken choose_token(std::span<const float> logits, double temperature,
                                                 Decoding decoding, const TokenChoice& choice) {
    if (decoding == Decoding::sample) return sample_token(logits, temperature, choice.key, choice.position);
    SampledToken chosen;
    chosen.token_id = argmax(logits);
    token_logprob(logits, {&chosen.token_id, 1}, static_cast<float>(temperature), {&chosen.logprob, 1});
    return chosen;
  }

  const Decoder& decoder_;
  KvCache cache_;
  Activations activations_;
  AlignedBuffer hidden_, logits_;         // [rows of the last pass, H], [at most kLogitRows, V]
  std::size_t num_rows_ = 0;              // of the last pass
  std::vector<std::vector<float>> kept_;  // [H] by place; empty where nothing is kept
};

}  // namespace

std::unique_ptr<SamplingBackend> make_cpu_sampling_backend(const Decoder& decoder) {
  return std::make_unique<CpuSamplingBackend>(decoder);
}

}  // namespace reckon
