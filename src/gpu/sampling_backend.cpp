#include "sampling_backend.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

#include "reckon/base/philox.h"

namespace reckon::gpu {
namespace {

constexpr std::int64_t kMostRecordedRows = 1024;
constexpr std::int64_t kFewestPositions = 256;  // that a recording is for

/// Rows that a recorded pass is padded to: steps of an eighth, so that at most an eighth is computed for
/// nothing.
std::int64_t padded(std::int64_t rows) {
  if (rows <= 8) return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(rows)));
  const std::int64_t step =
      static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows - 1))) / 8;
  return (rows + step - 1) / step * step;
}

cuda::DrawKey draw_key(const SampleKey& key, std::uint32_t position, Decoding decoding) {
  const std::uint64_t name = mix64(key.seed, key.stage, key.prompt_id);
  return {.key = {static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)},
          .position = position,
          .visit = key.visit,
          .sample_index = key.sample_index,
          .greedy = decoding == Decoding::greedy ? 1U : 0U};
}

}  // namespace

GpuSamplingBackend::GpuSamplingBackend(const Weights& weights, cuda::Gemm& gemm, Stream stream)
    : weights_(weights),
      stream_(stream),
      pass_(weights, gemm, stream),
      head_(weights, gemm, stream),
      store_(weights.config().num_hidden_layers, weights.heads(), KvLayers::each),
      attention_(weights.heads(), store_, stream),
      recorded_attention_(weights.heads(), store_, stream) {}

void GpuSamplingBackend::reset_cache(std::int64_t num_blocks) {
  blocks_.reset_blocks(num_blocks, weights_.version());
  if (store_.resize(num_blocks)) recorded_.clear();
  num_rows_ = 0;
  is_kept_.clear();
}

/// Whether each row is one sequence's next token, with nothing to copy before.
bool GpuSamplingBackend::is_decoding(const PackedRows& rows) const {
  if (!blocks_.pending_forks().empty() || static_cast<std::int64_t>(rows.size()) > kMostRecordedRows)
    return false;
  const auto same_slot = [](const RowPosition& a, const RowPosition& b) { return a.slot == b.slot; };
  return std::adjacent_find(rows.rows.begin(), rows.rows.end(), same_slot) == rows.rows.end();
}

bool GpuSamplingBackend::upload_rows(const PackedRows& rows, std::int64_t padded_rows) {
  const auto size = static_cast<std::size_t>(padded_rows);
  token_ids_ = rows.token_ids;
  positions_ = rows.positions;
  token_ids_.resize(size);
  positions_.resize(size);
  bool grows = device_token_ids_.resize(size);
  grows |= device_positions_.resize(size);
  grows |= hidden_.resize(size * static_cast<std::size_t>(config().hidden_size));
  grows |= pass_.reserve(padded_rows);
  cuda::copy_to_device(device_token_ids_.data(), token_ids_.data(), size * sizeof token_ids_[0], stream_);
  cuda::copy_to_device(device_positions_.data(), positions_.data(), size * sizeof positions_[0], stream_);
  return grows;
}

void GpuSamplingBackend::run_pass(std::int64_t rows, PagedAttention& attention) {
  pass_.forward({rows, device_token_ids_.data(), device_positions_.data()}, attention, Keep::nothing,
                hidden_.data());
}

void GpuSamplingBackend::forward(const PackedRows& rows) {
  num_rows_ = 0;
  const std::int64_t longest = check_rows(rows, blocks_, weights_.version(), config());
  cuda::synchronize(stream_);  // the pass before has read what was uploaded for it
  if (pass_.rotation().extend_to(std::max<std::int64_t>(1, longest), stream_)) recorded_.clear();
  if (is_decoding(rows)) {
    forward_recorded(rows, longest);
  } else {
    if (upload_rows(rows, static_cast<std::int64_t>(rows.size()))) recorded_.clear();
    attention_.set_rows(rows, blocks_);
    run_pass(static_cast<std::int64_t>(rows.size()), attention_);
  }
  blocks_.finish_forks();
  num_rows_ = static_cast<std::int64_t>(rows.size());
}

void GpuSamplingBackend::forward_recorded(const PackedRows& rows, std::int64_t longest) {
  const std::int64_t padded_rows = padded(static_cast<std::int64_t>(rows.size()));
  const auto positions = static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max(longest, kFewestPositions))));
  bool grows = upload_rows(rows, padded_rows);
  grows |= recorded_attention_.set_recorded_rows(rows, blocks_, padded_rows, positions);
  if (grows) recorded_.clear();
  cuda::RecordedWork& work = recorded_[{padded_rows, positions}];
  if (work.is_recorded()) {
    work.launch(stream_);
    return;
  }
  // Run once as it is: what is done at a kernel's first call (loading, choosing products) cannot be recorded.
  run_pass(padded_rows, recorded_attention_);
  work.record(stream_, [&] { run_pass(padded_rows, recorded_attention_); });
}

void GpuSamplingBackend::check_choice(const TokenChoice& choice) const {
  const auto index = static_cast<std::size_t>(choice.row);  // negative ones are beyond every size
  if (choice.kept ? index < is_kept_.size() && is_kept_[index] : index < static_cast<std::size_t>(num_rows_))
    return;
  throw std::invalid_argument(
      "SamplingBackend: " +
      (choice.kept ? "no row is kept at place " + std::to_string(choice.row)
                   : "row " + std::to_string(choice.row) + " of a pass of " + std::to_string(num_rows_)));
}

void GpuSamplingBackend::keep(std::int64_t row, std::int64_t place) {
  check_choice({.row = row});
  if (place < 0) throw std::invalid_argument("SamplingBackend::keep: place " + std::to_string(place));
  const auto width = static_cast<std::size_t>(config().hidden_size);
  const auto index = static_cast<std::size_t>(place);
  if (index >= is_kept_.size()) is_kept_.resize(index + 1);
  if (kept_.size() < is_kept_.size() * width) {
    cuda::DeviceArray<bf16> larger(2 * is_kept_.size() * width);
    cuda::copy_on_device(larger.data(), kept_.data(), kept_.size() * sizeof(bf16), stream_);
    cuda::synchronize(stream_);
    kept_ = std::move(larger);
  }
  cuda::copy_on_device(kept_.data() + index * width, hidden_.data() + static_cast<std::size_t>(row) * width,
                       width * sizeof(bf16), stream_);
  is_kept_[index] = true;
}

void GpuSamplingBackend::choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
                                std::span<SampledToken> tokens) {
  if (choices.size() != tokens.size()) {
    throw std::invalid_argument("SamplingBackend::choose: " + std::to_string(choices.size()) +
                                " choices, room for " + std::to_string(tokens.size()) + " tokens");
  }
  for (const TokenChoice& choice : choices) check_choice(choice);
  for (std::size_t first = 0; first < choices.size();) {
    std::size_t end = first + 1;
    while (end < choices.size() && choices[end].kept == choices[first].kept) ++end;
    choose_run(choices.subspan(first, end - first), temperature, decoding,
               tokens.subspan(first, end - first));
    first = end;
  }
}

/// Choices that are all kept rows, or all rows of the pass.
void GpuSamplingBackend::choose_run(std::span<const TokenChoice> choices, double temperature,
                                    Decoding decoding, std::span<SampledToken> tokens) {
  choice_rows_.clear();
  keys_.clear();
  for (const TokenChoice& choice : choices) {
    choice_rows_.push_back(static_cast<std::int32_t>(choice.row));
    keys_.push_back(draw_key(choice.key, choice.position, decoding));
  }
  device_choice_rows_.upload(choice_rows_, stream_);
  device_keys_.upload(keys_, stream_);
  chosen_.resize(choices.size());
  logprob_.resize(choices.size());
  const HeadRows rows{choices.front().kept ? kept_.data() : hidden_.data(), device_choice_rows_.data(),
                      static_cast<std::int64_t>(choices.size())};
  head_.sample(rows, device_keys_.data(), static_cast<float>(temperature), chosen_.data(),
               {.logprob = logprob_.data()});
  const std::vector<std::uint32_t> ids = chosen_.download(stream_);
  const std::vector<float> logprobs = logprob_.download(stream_);
  for (std::size_t i = 0; i < choices.size(); ++i) tokens[i] = {ids[i], logprobs[i]};
}

}  // namespace reckon::gpu
