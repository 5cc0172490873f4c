#include "port_base.h"

#include <limits>

#include "wait_clock.h"

namespace reckon {

const char* name_of(Channel channel) {
  constexpr std::array<const char*, kNumChannels> kNames{"control", "groups", "weights"};
  return kNames[static_cast<std::size_t>(channel)];
}

PortBase::PortBase(Communicator& world, const PortLimits& limits) : world_(world), limits_(limits) {
  for (auto& inbox : inboxes_) inbox = std::make_unique<Inbox>(limits.inbox_bytes);
}

std::optional<Message> PortBase::receive(Channel channel) {
  std::optional<Message> message = inbox(channel).take();
  if (message) room_was_made();
  return message;
}

Message PortBase::wait(Channel channel, const std::string& for_what, double deadline_s) {
  Message message = inbox(channel).wait(for_what, deadline_s > 0.0 ? deadline_s : world_.timeout());
  room_was_made();
  return message;
}

std::optional<Message> PortBase::wait_for(Channel channel, double seconds) {
  std::optional<Message> message = inbox(channel).wait_for(seconds);
  if (message) room_was_made();
  return message;
}

void PortBase::send_to_self(Channel channel, std::string bytes) {
  const std::size_t size = bytes.size();
  const double timeout = world_.timeout();
  if (!inbox(channel).reserve_within(size, timeout)) {
    throw Error(ExitCode::internal, std::string("message on channel ") + name_of(channel) + ": waited " +
                                        in_seconds(timeout) + " for this rank to read its own");
  }
  count_sent(channel, size);
  count_received(channel, size);
  inbox(channel).put({rank(), std::move(bytes)});
}

void PortBase::check_message(std::span<const int> to, std::size_t bytes) const {
  for (const int rank : to) {
    if (rank < 0 || rank >= size()) {
      throw Error(ExitCode::internal, "message to rank " + std::to_string(rank) + " (need 0 to " +
                                          std::to_string(size() - 1) + ")");
    }
  }
  if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ExitCode::internal, "message of " + std::to_string(bytes) + " bytes (MPI takes 2^31 - 1)");
  }
}

}  // namespace reckon
