#pragma once

#include <cstdint>

#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "weights.h"

namespace reckon::gpu {

/// The gradient of an update, summed over the ranks: each value at the rank whose parameter_part() it is in.
/// A bucket of values is given to a stream of its own as soon as the backward pass is done with it, and is
/// under way while the pass goes on with the layers before.
class GradientReduction {
 public:
  /// About 25 MB: large enough for a link's full speed, small enough for several to a model.
  static constexpr std::int64_t kBucketValues = std::int64_t{6} << 20;

  /// \param compute  the stream that the gradient is computed on
  /// \param bucket_values  a multiple of 4
  GradientReduction(DeviceCommunicator& devices, Stream compute, std::int64_t parameters,
                    std::int64_t bucket_values = kBucketValues);

  /// Begins with a gradient [parameters], whose values are not complete yet. They must stay where they are
  /// until finish().
  void begin(float* gradients);
  /// The values from `offset` on are complete, or will be when the compute stream has done what it has been
  /// given. Offsets descend. Starts the buckets that lie there whole.
  void complete_from(std::int64_t offset);
  /// All values are complete: starts what is left. What is put on the compute stream behind it sees this
  /// rank's part of the sum; the other values are undefined then. Waits for the ranks.
  void finish();

 private:
  void start_bucket(Range bucket);

  DeviceCommunicator& devices_;
  Stream compute_;
  cuda::OwnedStream exchange_;
  std::int64_t parameters_, bucket_values_;
  float* gradients_ = nullptr;
  std::int64_t started_from_ = 0;  // the buckets from here on are under way
};

}  // namespace reckon::gpu
