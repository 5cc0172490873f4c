#include "weight_sync.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"

namespace reckon {
namespace {

/// Parameters of a bucket: 4 MiB.
constexpr std::size_t kBucket = std::size_t{1} << 20;
constexpr std::size_t kHexDigits = 64;

struct BucketHead {
  std::int64_t step = 0, updates = 0;
  std::uint64_t first = 0, parameters = 0;  // of the bucket, and of the model
  char sha256[kHexDigits] = {};
};

}  // namespace

void send_weights(MessagePort& port, std::span<const int> route, const PolicyVersion& version,
                  std::span<const float> weights) {
  BucketHead head{.step = version.step, .updates = version.updates, .parameters = weights.size()};
  version.sha256.copy(head.sha256, kHexDigits);
  for (std::size_t first = 0; first < weights.size(); first += kBucket) {
    head.first = first;
    const auto bucket = weights.subspan(first, std::min(kBucket, weights.size() - first));
    std::string bytes;
    bytes.reserve(sizeof head + bucket.size_bytes());
    bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes.append(reinterpret_cast<const char*>(bucket.data()), bucket.size_bytes());
    port.send_along(route, Channel::weights, std::move(bytes));
    failpoint("sync.bucket");
  }
}

bool WeightReceiver::poll(PolicyVersions& versions) {
  bool is_complete = false;
  while (const auto message = port_.receive(Channel::weights))
    is_complete = take(message->bytes, versions) || is_complete;
  return is_complete;
}

bool WeightReceiver::wait(PolicyVersions& versions, double seconds) {
  const auto message = port_.wait_for(Channel::weights, seconds);
  const bool is_complete = message && take(message->bytes, versions);
  return poll(versions) || is_complete;
}

void WeightReceiver::forget_before(PolicyVersions& versions, std::int64_t step) {
  const auto end = versions.lower_bound(step);
  for (auto it = versions.begin(); it != end; ++it) spare_.push_back(std::move(it->second.weights));
  versions.erase(versions.begin(), end);
}

bool WeightReceiver::take(const std::string& bucket, PolicyVersions& versions) {
  BucketHead head;
  if (bucket.size() >= sizeof head) std::memcpy(&head, bucket.data(), sizeof head);
  const std::size_t bytes = bucket.size() - std::min(bucket.size(), sizeof head);
  const bool follows =
      received_ == 0 ? head.first == 0 : head.first == received_ && head.step == coming_.step;
  if (!follows || head.parameters != parameters_ || bytes % sizeof(float) != 0 || bytes == 0 ||
      bytes / sizeof(float) > parameters_ - received_) {
    throw Error(ExitCode::internal, "weights of step " + std::to_string(head.step) + " came as " +
                                        std::to_string(head.parameters) + " parameters, " +
                                        std::to_string(bytes) + " bytes from " + std::to_string(head.first) +
                                        " (need " + std::to_string(parameters_) + " parameters, from " +
                                        std::to_string(received_) + ")");
  }
  if (received_ == 0) {
    coming_.step = head.step;
    coming_.updates = head.updates;
    coming_.sha256.assign(head.sha256, kHexDigits);
    if (!spare_.empty()) {
      coming_.weights = std::move(spare_.back());
      spare_.pop_back();
    }
    coming_.weights.resize(parameters_);
  }
  std::memcpy(coming_.weights.data() + received_, bucket.data() + sizeof head, bytes);
  received_ += bytes / sizeof(float);
  failpoint("sync.received");
  if (received_ < parameters_) return false;
  received_ = 0;
  versions.insert_or_assign(head.step, std::exchange(coming_, {}));
  return true;
}

}  // namespace reckon
