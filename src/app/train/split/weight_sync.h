#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "app/train/sampling_policy.h"
#include "reckon/dist/message_port.h"

namespace reckon {

/// Sends the weights of a step from the first learner to the workers: buckets that each worker's port passes
/// on to the next as they come, whatever it is doing, so that each link carries the weights once and a chain
/// of W workers takes (B + W - 1) / B times the wire time of B buckets. Returns when they are copied.
/// \param route    the workers, those of one machine behind each other
/// \param version  its weights may be empty: they are given beside it
void send_weights(MessagePort& port, std::span<const int> route, const PolicyVersion& version,
                  std::span<const float> weights);

/// Puts buckets together, in a buffer of their own: the version that samples is left alone until use().
class WeightReceiver {
 public:
  explicit WeightReceiver(MessagePort& port, std::size_t parameters) : port_(port), parameters_(parameters) {}

  /// Takes what has come. \return whether a version is complete that was not before
  bool poll(PolicyVersions& versions);
  /// Waits a little where nothing has come.
  bool wait(PolicyVersions& versions, double seconds);
  /// Forgets versions before this step; their memory takes those that come.
  void forget_before(PolicyVersions& versions, std::int64_t step);

 private:
  bool take(const std::string& bucket, PolicyVersions& versions);

  MessagePort& port_;
  std::size_t parameters_;
  PolicyVersion coming_;
  std::vector<std::vector<float>> spare_;
  std::size_t received_ = 0;  // of its parameters
};

}  // namespace reckon
