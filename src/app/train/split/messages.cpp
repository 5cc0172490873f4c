#include "messages.h"

#include <cstring>

#include "reckon/base/error.h"

namespace reckon {
namespace {

constexpr std::size_t kHead = 1 + sizeof(std::uint32_t);

}  // namespace

std::string rollout_message(const RolloutMessage& message) {
  const auto count = static_cast<std::uint32_t>(message.numbers.size());
  std::string bytes(1, static_cast<char>(message.kind));
  bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
  bytes.append(reinterpret_cast<const char*>(message.numbers.data()), count * sizeof(std::int64_t));
  return bytes + message.bytes;
}

RolloutMessage parse_rollout_message(std::string_view bytes) {
  std::uint32_t count = 0;
  if (bytes.size() >= kHead) std::memcpy(&count, bytes.data() + 1, sizeof count);
  const std::size_t numbers = std::size_t{count} * sizeof(std::int64_t);
  if (bytes.size() < kHead || bytes.size() - kHead < numbers) {
    throw Error(ExitCode::internal, "a message between ranks of " + std::to_string(bytes.size()) +
                                        " bytes is cut off (need the same program on all ranks)");
  }
  RolloutMessage message{.kind = static_cast<RolloutMessage::Kind>(bytes.front()),
                         .numbers = std::vector<std::int64_t>(count),
                         .bytes = std::string(bytes.substr(kHead + numbers))};
  if (count != 0) std::memcpy(message.numbers.data(), bytes.data() + kHead, numbers);
  const bool needs_number =
      message.kind != RolloutMessage::Kind::alive && message.kind != RolloutMessage::Kind::end;
  if (needs_number && count == 0) {
    throw Error(ExitCode::internal, std::string("a message '") + bytes.front() +
                                        "' between ranks has no number (need the same program on all ranks)");
  }
  return message;
}

}  // namespace reckon
