#include "sharded_optimizer.h"

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "reckon/cuda/optimizer.h"
#include "reckon/learn/learner.h"
#include "reckon/learn/parameter_part.h"

namespace reckon::gpu {
namespace {

/// The ranks' values added in rank order.
double sum_over_ranks(Communicator& world, double mine) {
  double sum = 0;
  for (const std::string& bytes : world.all_gather({reinterpret_cast<const char*>(&mine), sizeof mine})) {
    double theirs = 0;
    std::memcpy(&theirs, bytes.data(), sizeof theirs);
    sum += theirs;
  }
  return sum;
}

}  // namespace

ShardedOptimizer::ShardedOptimizer(Weights& weights, const OptimizerConfig& config, Communicator& world,
                                   DeviceCommunicator& devices, Stream stream)
    : weights_(weights), config_(config), world_(world), devices_(devices), stream_(stream) {
  weights_.keep_master_part(devices, stream);
  for (auto* moment : {&first_moment_, &second_moment_}) {
    moment->resize(static_cast<std::size_t>(part().size()));
    moment->fill_zero(stream);
  }
  squares_.resize(1);
  squares_workspace_.resize(static_cast<std::size_t>(cuda::sum_of_squares_workspace(part().size())));
}

double ShardedOptimizer::gradient_norm(const float* gradients) {
  cuda::sum_of_squares(gradients + part().begin, part().size(), squares_.data(), squares_workspace_.data(),
                       stream_);
  const double sum = sum_over_ranks(world_, squares_.download(stream_).front());
  squares_.upload(std::array{sum}, stream_);
  cuda::synchronize(stream_);
  return std::sqrt(sum);
}

void ShardedOptimizer::update(const float* gradients, double learning_rate, std::int64_t step) {
  const cuda::DeviceArray<cuda::DecayRange>& ranges = weights_.decay_ranges(config_.weight_decay, stream_);
  if (part().size() > 0) {
    cuda::adamw(weights_.master(), gradients + part().begin, first_moment_.data(), second_moment_.data(),
                weights_.rounded() + part().begin, part().size(), squares_.data(), ranges.data(),
                static_cast<std::int64_t>(ranges.size()),
                {.learning_rate = learning_rate,
                 .beta1 = config_.adam_beta1,
                 .beta2 = config_.adam_beta2,
                 .eps = config_.adam_eps,
                 .max_grad_norm = config_.max_grad_norm,
                 .step = step},
                stream_);
  }
  gather_rounded();
  weights_.mark_changed();
}

/// Parts may differ in size: each rank gives its own to all.
void ShardedOptimizer::gather_rounded() {
  constexpr const char* kTensor = "weights";
  if (devices_.size() == 1) return;
  for (int rank = 0; rank < devices_.size(); ++rank) {
    const Range theirs = parameter_part(weights_.num_parameters(), rank, devices_.size());
    devices_.broadcast(weights_.rounded() + theirs.begin,
                       static_cast<std::size_t>(theirs.size()) * sizeof(bf16), rank, kTensor, stream_);
  }
  devices_.wait(kTensor);
}

void ShardedOptimizer::copy_moments(Range wanted, std::span<float> first, std::span<float> second) const {
  if (wanted.begin < part().begin || wanted.end > part().end) {
    throw std::invalid_argument("GpuLearner: moments of " + std::to_string(wanted.begin) + " to " +
                                std::to_string(wanted.end) + " (this rank has " +
                                std::to_string(part().begin) + " to " + std::to_string(part().end) + ")");
  }
  const std::size_t bytes = static_cast<std::size_t>(wanted.size()) * sizeof(float);
  const std::int64_t at = wanted.begin - part().begin;
  cuda::copy_to_host(first.data(), first_moment_.data() + at, bytes, stream_);
  cuda::copy_to_host(second.data(), second_moment_.data() + at, bytes, stream_);
  cuda::synchronize(stream_);
}

void ShardedOptimizer::restore(std::span<const float> first, std::span<const float> second) {
  check_moments(first.size(), second.size(), static_cast<std::size_t>(weights_.num_parameters()));
  const auto begin = static_cast<std::size_t>(part().begin);
  cuda::copy_to_device(first_moment_.data(), first.data() + begin, first_moment_.size() * sizeof(float),
                       stream_);
  cuda::copy_to_device(second_moment_.data(), second.data() + begin, second_moment_.size() * sizeof(float),
                       stream_);
  cuda::synchronize(stream_);
}

}  // namespace reckon::gpu
