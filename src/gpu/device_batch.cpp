#include <algorithm>
#include <numeric>

#include "learner.h"

namespace reckon::gpu {

LearnerAttention::LearnerAttention(const Weights& weights, Numerics numerics, Stream stream)
    : numerics_(numerics),
      store_(weights.config().num_hidden_layers, weights.heads(), KvLayers::one_for_all),
      paged_(weights.heads(), store_, stream),
      packed_(weights.heads(), stream) {}

void LearnerAttention::set_rows(const PackedBatch& batch, const KvBlocks& cache) {
  std::vector<RowRange> ranges;
  for (const PackedBatch::Leaf& leaf : batch.leaves()) ranges.push_back(leaf.range);
  packed_.set_runs(ranges, static_cast<std::int64_t>(batch.rows().size()));
  if (numerics_ == Numerics::fast) return;
  store_.resize(cache.num_blocks());
  paged_.set_rows(batch.rows(), cache);
}

void LearnerAttention::forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
                               float* lse) {
  if (numerics_ == Numerics::exact) {
    paged_.forward(layer, q, k, v, out, lse);
  } else {
    packed_.forward(layer, q, k, v, out, lse);
  }
}

void LearnerAttention::backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v,
                                const bf16* out, const float* lse, bf16* dq, bf16* dk, bf16* dv) {
  packed_.backward(dout, q, k, v, out, lse, dq, dk, dv);
}

DeviceBatch::DeviceBatch(const Weights& weights, Numerics numerics, Stream stream)
    : weights_(weights), stream_(stream), attention_(weights, numerics, stream) {}

void DeviceBatch::set(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
                      const std::vector<bool>& has_gradient) {
  cuda::synchronize(stream_);  // what was uploaded before has been read
  blocks_.reset_blocks(PackedBatch::blocks_for(sequences), weights_.version());
  batch_.lay_out(sequences, leaf_sequences, blocks_);
  longest_ = check_rows(batch_.rows(), blocks_, weights_.version(), weights_.config());
  attention_.set_rows(batch_, blocks_);
  order_targets(has_gradient);
  upload();
}

void DeviceBatch::order_targets(const std::vector<bool>& has_gradient) {
  sequences_.clear();
  for (const PackedBatch::Leaf& leaf : batch_.leaves()) {
    for (std::size_t s = 0; s + 1 < leaf.offsets.size(); ++s) {
      sequences_.push_back(
          {sequences_.size(), leaf.first_target + leaf.offsets[s], leaf.offsets[s + 1] - leaf.offsets[s]});
    }
  }
  const auto is_first = [&](const SequenceTargets& part) {
    return has_gradient.empty() || has_gradient[part.sequence];
  };
  const auto rest = std::stable_partition(sequences_.begin(), sequences_.end(), is_first);
  num_with_gradient_ = 0;
  for (auto part = sequences_.begin(); part != rest; ++part)
    num_with_gradient_ += static_cast<std::int64_t>(part->count);
}

std::vector<float> DeviceBatch::in_batch_order(const std::vector<float>& values) const {
  std::vector<float> ordered(values.size());
  auto from = values.begin();
  for (const SequenceTargets& part : sequences_) {
    const auto count = static_cast<std::ptrdiff_t>(part.count);
    std::copy_n(from, count, ordered.begin() + static_cast<std::ptrdiff_t>(part.first_target));
    from += count;
  }
  return ordered;
}

void DeviceBatch::upload_targets() {
  std::vector<std::uint32_t> targets;
  std::vector<std::int32_t> rows;
  for (const SequenceTargets& part : sequences_) {
    for (std::size_t t = part.first_target; t < part.first_target + part.count; ++t) {
      targets.push_back(batch_.targets()[t]);
      rows.push_back(static_cast<std::int32_t>(batch_.target_rows()[t]));
    }
  }
  targets_.upload(targets, stream_);
  target_rows_.upload(rows, stream_);
  cuda::synchronize(stream_);
}

void DeviceBatch::upload() {
  const PackedRows& rows = batch_.rows();
  token_ids_.upload(rows.token_ids, stream_);
  positions_.upload(rows.positions, stream_);
  upload_targets();

  std::vector<std::int32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto token_of = [&](std::int32_t row) { return rows.token_ids[static_cast<std::size_t>(row)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return token_of(a) < token_of(b); });
  std::vector<std::uint32_t> unique;
  std::vector<std::int32_t> starts;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!unique.empty() && unique.back() == token_of(order[i])) continue;
    unique.push_back(token_of(order[i]));
    starts.push_back(static_cast<std::int32_t>(i));
  }
  starts.push_back(static_cast<std::int32_t>(order.size()));
  num_tokens_ = static_cast<std::int64_t>(unique.size());
  unique_tokens_.upload(unique, stream_);
  token_starts_.upload(starts, stream_);
  token_rows_.upload(order, stream_);
  cuda::synchronize(stream_);
}

DeviceRows DeviceBatch::rows() const {
  return {static_cast<std::int64_t>(batch_.rows().size()),
          token_ids_.data(),
          positions_.data(),
          {unique_tokens_.data(), token_starts_.data(), token_rows_.data(), num_tokens_}};
}

ReferenceModel::ReferenceModel(const Decoder& decoder, cuda::Gemm& gemm, Stream stream)
    : stream_(stream),
      weights_(decoder, WeightUse::infer, stream),
      pass_(weights_, gemm, stream),
      head_(weights_, gemm, stream) {}

void ReferenceModel::logprobs(DeviceBatch& batch, float temperature, float* logprob) {
  const DeviceRows rows = batch.rows();
  pass_.rotation().extend_to(std::max<std::int64_t>(1, batch.longest()), stream_);
  hidden_.resize(static_cast<std::size_t>(rows.count * weights_.config().hidden_size));
  pass_.forward(rows, batch.attention(), Keep::nothing, hidden_.data());
  head_.token_logprob(batch.head_rows(hidden_.data()), batch.targets(), temperature, {.logprob = logprob});
}

}  // namespace reckon::gpu
