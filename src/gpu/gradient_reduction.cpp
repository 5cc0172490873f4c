#include "gradient_reduction.h"

#include <algorithm>

#include "reckon/learn/parameter_part.h"

namespace reckon::gpu {
namespace {

constexpr const char* kTensor = "gradients";

}  // namespace

GradientReduction::GradientReduction(DeviceCommunicator& devices, Stream compute, std::int64_t parameters,
                                     std::int64_t bucket_values)
    : devices_(devices), compute_(compute), parameters_(parameters), bucket_values_(bucket_values) {}

void GradientReduction::begin(float* gradients) {
  gradients_ = gradients;
  started_from_ = parameters_;
}

void GradientReduction::complete_from(std::int64_t offset) {
  // Buckets are counted from the first parameter: every rank has the same, whenever it starts them.
  while (started_from_ > 0) {
    const std::int64_t begin = (started_from_ - 1) / bucket_values_ * bucket_values_;
    if (begin < offset) return;
    start_bucket({begin, started_from_});
    started_from_ = begin;
  }
}

/// A sum for each rank's part of the bucket: that rank is its root.
void GradientReduction::start_bucket(Range bucket) {
  cuda::order_streams(compute_, exchange_.get());
  for (int rank = 0; rank < devices_.size(); ++rank) {
    const Range common = intersection(bucket, parameter_part(parameters_, rank, devices_.size()));
    if (common.size() == 0) continue;
    devices_.reduce_sum(gradients_ + common.begin, static_cast<std::size_t>(common.size()), rank, kTensor,
                        exchange_.get());
  }
}

void GradientReduction::finish() {
  complete_from(0);
  cuda::order_streams(exchange_.get(), compute_);
  if (parameters_ > 0) devices_.wait(kTensor);
}

}  // namespace reckon::gpu
