#pragma once

#include <span>

#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/learn/config.h"
#include "weights.h"

namespace reckon::gpu {

/// AdamW over the ranks: each has the moments of its parameter_part() alone, updates that part of the master
/// weights, and gives the others what products read of it.
class ShardedOptimizer {
 public:
  /// \param weights  keeps this rank's part of the master weights from here on
  ShardedOptimizer(Weights& weights, const OptimizerConfig& config, Communicator& world,
                   DeviceCommunicator& devices, Stream stream);

  /// Norm of the summed gradient, of which each rank has its part. Waits for the stream. Collective: the
  /// ranks' squares are added in rank order.
  [[nodiscard]] double gradient_norm(const float* gradients);
  /// One update by the gradient that gradient_norm() was asked for last, whose norm clips it. Collective.
  /// \param step  1 at the first update
  void update(const float* gradients, double learning_rate, std::int64_t step);

  /// Of this rank's part; \throws std::invalid_argument where `part` is not within it.
  void copy_moments(Range part, std::span<float> first, std::span<float> second) const;
  /// \param first, second  of all parameters
  void restore(std::span<const float> first, std::span<const float> second);

 private:
  [[nodiscard]] const Range& part() const { return weights_.master_part(); }
  void gather_rounded();

  Weights& weights_;
  OptimizerConfig config_;
  Communicator& world_;
  DeviceCommunicator& devices_;
  Stream stream_;
  cuda::DeviceArray<float> first_moment_, second_moment_;  // of the part
  cuda::DeviceArray<double> squares_, squares_workspace_;
};

}  // namespace reckon::gpu
