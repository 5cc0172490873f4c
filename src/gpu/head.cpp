#include "head.h"

#include <algorithm>

#include "reckon/cuda/elementwise.h"

namespace reckon::gpu {
namespace {

constexpr std::int64_t kLogitBytes = std::int64_t{1300} * 1000 * 1000;
constexpr std::int64_t kMostChunkRows = 16384;
constexpr std::int64_t kRowsApart = 256;  // chunks are multiples of it

/// The values of a chunk that starts at row `first`.
template <class T>
T* from(T* values, std::int64_t first) {
  return values == nullptr ? nullptr : values + first;
}

cuda::TokenOutputs from(const cuda::TokenOutputs& out, std::int64_t first) {
  return {from(out.logprob, first), from(out.entropy, first), from(out.lse, first)};
}

cuda::GrpoInputs from(const cuda::GrpoInputs& in, std::int64_t first) {
  return {.token_ids = from(in.token_ids, first),
          .sampler_logprob = from(in.sampler_logprob, first),
          .old_logprob = from(in.old_logprob, first),
          .reference_logprob = from(in.reference_logprob, first),
          .advantage = from(in.advantage, first),
          .weight = from(in.weight, first),
          .sequence_gap = from(in.sequence_gap, first),
          .sequence_importance = from(in.sequence_importance, first)};
}

cuda::GrpoOutputs from(const cuda::GrpoOutputs& out, std::int64_t first) {
  return {.token = from(out.token, first),
          .loss = from(out.loss, first),
          .ratio = from(out.ratio, first),
          .kl = from(out.kl, first),
          .clipped = from(out.clipped, first),
          .importance = from(out.importance, first)};
}

}  // namespace

Head::Head(const Weights& weights, cuda::Gemm& gemm, Stream stream, std::int64_t chunk_rows)
    : weights_(weights),
      gemm_(gemm),
      stream_(stream),
      vocab_(weights.num_logits()),
      stride_((vocab_ + 7) / 8 * 8),
      width_(weights.config().hidden_size),
      chunk_rows_(chunk_rows) {
  if (chunk_rows > 0) return;
  const std::int64_t fitting = kLogitBytes / (stride_ * static_cast<std::int64_t>(sizeof(bf16)));
  chunk_rows_ = std::clamp(fitting / kRowsApart * kRowsApart, kRowsApart, kMostChunkRows);
}

void Head::reserve(std::int64_t rows) {
  const auto chunk = static_cast<std::size_t>(std::min(rows, chunk_rows_));
  picked_.resize(chunk * static_cast<std::size_t>(width_));
  logits_.resize(chunk * static_cast<std::size_t>(stride_));
}

cuda::LogitRows Head::compute_logits(const HeadRows& rows, std::int64_t first, std::int64_t count) {
  cuda::gather_rows(rows.hidden, rows.rows + first, count, width_, picked_.data(), stream_);
  gemm_.forward(picked_.data(), weights_.at(weights_.head()), logits_.data(), count, vocab_, width_, stream_,
                stride_);
  return {logits_.data(), count, vocab_, stride_};
}

/// Calls loss(logits, first row) for each chunk; with a gradient the loss leaves dlogits in their place.
template <class Loss>
void Head::for_chunks(const HeadRows& rows, const HeadGradient* gradient, const Loss& loss) {
  reserve(rows.count);
  if (gradient != nullptr)
    dpicked_.resize(static_cast<std::size_t>(std::min(rows.count, chunk_rows_) * width_));
  for (std::int64_t first = 0; first < rows.count; first += chunk_rows_) {
    const std::int64_t count = std::min(chunk_rows_, rows.count - first);
    loss(compute_logits(rows, first, count), first);
    if (gradient == nullptr) continue;
    gemm_.backward_input(logits_.data(), weights_.at(weights_.head()), dpicked_.data(), count, vocab_, width_,
                         stream_, stride_);
    gemm_.backward_weight(logits_.data(), picked_.data(), gradient->gradients + weights_.head(), count,
                          vocab_, width_, stream_, stride_);
    cuda::scatter_add_rows(dpicked_.data(), rows.rows + first, count, width_, gradient->dhidden, stream_);
  }
}

void Head::token_logprob(const HeadRows& rows, const std::uint32_t* token_ids, float temperature,
                         const cuda::TokenOutputs& out) {
  for_chunks(rows, nullptr, [&](const cuda::LogitRows& logits, std::int64_t first) {
    cuda::token_logprob(logits, token_ids + first, temperature, from(out, first), stream_);
  });
}

void Head::grpo_loss(const HeadRows& rows, const cuda::GrpoInputs& in, const cuda::GrpoSettings& settings,
                     const cuda::GrpoOutputs& out, const HeadGradient& gradient) {
  for_chunks(rows, &gradient, [&](const cuda::LogitRows& logits, std::int64_t first) {
    cuda::grpo_loss(logits, from(in, first), settings, from(out, first), stream_);
  });
}

void Head::cross_entropy_loss(const HeadRows& rows, const std::uint32_t* token_ids, const float* weight,
                              float temperature, float* loss, const cuda::TokenOutputs& out,
                              const HeadGradient& gradient) {
  for_chunks(rows, &gradient, [&](const cuda::LogitRows& logits, std::int64_t first) {
    cuda::cross_entropy_loss(logits, token_ids + first, weight + first, temperature, from(loss, first),
                             from(out, first), stream_);
  });
}

void Head::top_k_kl_loss(const HeadRows& rows, const cuda::TopKTeacher& teacher, cuda::KlDirection direction,
                         const float* weight, float temperature, float* loss, const HeadGradient& gradient) {
  for_chunks(rows, &gradient, [&](const cuda::LogitRows& logits, std::int64_t first) {
    const std::int64_t at = first * teacher.k;
    cuda::top_k_kl_loss(logits, {teacher.token_ids + at, teacher.logprobs + at, teacher.k}, direction,
                        weight + first, temperature, from(loss, first), stream_);
  });
}

void Head::full_kl_loss(const HeadRows& rows, Head& teacher, const HeadRows& teacher_rows,
                        cuda::KlDirection direction, const float* weight, float temperature, float* loss,
                        const HeadGradient& gradient) {
  teacher.reserve(rows.count);
  for_chunks(rows, &gradient, [&](const cuda::LogitRows& logits, std::int64_t first) {
    const cuda::LogitRows theirs = teacher.compute_logits(teacher_rows, first, logits.rows);
    cuda::full_kl_loss(logits, theirs.logits, theirs.stride, direction, weight + first, temperature,
                       from(loss, first), stream_);
  });
}

void Head::sample(const HeadRows& rows, const cuda::DrawKey* keys, float temperature,
                  std::uint32_t* token_ids, const cuda::TokenOutputs& out) {
  for_chunks(rows, nullptr, [&](const cuda::LogitRows& logits, std::int64_t first) {
    cuda::sample_tokens(logits, keys + first, temperature, token_ids + first, from(out, first), stream_);
  });
}

}  // namespace reckon::gpu
