#include "paged_attention.h"

#include <algorithm>
#include <stdexcept>

namespace reckon::gpu {

PagedAttention::PagedAttention(const cuda::HeadShape& heads, KvStore& store, Stream stream)
    : heads_(heads), store_(store), stream_(stream) {}

void PagedAttention::plan(const PackedRows& rows, const KvBlocks& cache, std::int64_t padded_rows) {
  attention_rows_.clear();
  places_.clear();
  for (const RowPosition& row : rows.rows) {
    const std::int32_t* blocks = cache.blocks(row.slot).data();
    attention_rows_.push_back({blocks, row.position});
    places_.push_back(blocks[row.position / cuda::kKvBlock] * cuda::kKvBlock + row.position % cuda::kKvBlock);
  }
  places_.resize(static_cast<std::size_t>(padded_rows), store_.spare_place());
  copies_.clear();
  for (const KvBlocks::Fork& fork : cache.pending_forks())
    copies_.push_back({fork.from, fork.to, static_cast<std::int32_t>(fork.length)});
  cuda::plan_attention(attention_rows_, heads_, {.multiprocessors = cuda::device_info().multiprocessors},
                       plan_);
  rows_ = padded_rows;
}

bool PagedAttention::make_room() {
  bool grows = device_plan_.resize(static_cast<std::size_t>(limits_.words));
  grows |= workspace_.resize(static_cast<std::size_t>(limits_.workspace(heads_)));
  grows |= device_places_.resize(places_.size());
  return grows;
}

void PagedAttention::upload() {
  cuda::copy_to_device(device_plan_.data(), plan_.words.data(), plan_.words.size() * sizeof plan_.words[0],
                       stream_);
  cuda::copy_to_device(device_places_.data(), places_.data(), places_.size() * sizeof places_[0], stream_);
  if (!copies_.empty()) device_copies_.upload(copies_, stream_);
}

void PagedAttention::set_rows(const PackedRows& rows, const KvBlocks& cache) {
  plan(rows, cache, static_cast<std::int64_t>(rows.size()));
  limits_ = plan_.sizes;
  make_room();
  upload();
}

bool PagedAttention::set_recorded_rows(const PackedRows& rows, const KvBlocks& cache,
                                       std::int64_t padded_rows, std::int64_t positions) {
  if (!cache.pending_forks().empty()) throw std::logic_error("PagedAttention: forks in a recorded pass");
  plan(rows, cache, padded_rows);
  limits_ = cuda::attention_limits(padded_rows, positions, heads_);
  cuda::check_fits(plan_.sizes, limits_);
  const bool grows = make_room();
  upload();
  return grows;
}

void PagedAttention::forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
                             float* lse) {
  const cuda::KvLayer memory = store_.layer(layer);
  cuda::put_keys_values(k, v, device_places_.data(), rows_, heads_, memory, stream_);
  if (!copies_.empty())
    cuda::copy_blocks(device_copies_.data(), static_cast<std::int64_t>(copies_.size()), heads_, memory,
                      stream_);
  cuda::attention(q, device_plan_.data(), limits_, memory, heads_, rows_, out, lse, workspace_.data(),
                  stream_);
}

void PagedAttention::backward(const bf16*, const bf16*, const bf16*, const bf16*, const bf16*, const float*,
                              bf16*, bf16*, bf16*) {
  throw std::logic_error("PagedAttention::backward: there is none; a learner takes PackedAttention's");
}

}  // namespace reckon::gpu
