#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "inbox.h"
#include "reckon/dist/message_port.h"

namespace reckon {

/// What every port has: inboxes, counts, and messages of a rank to itself.
class PortBase : public MessagePort {
 public:
  PortBase(Communicator& world, const PortLimits& limits);

  [[nodiscard]] int rank() const override { return world_.rank(); }
  [[nodiscard]] int size() const override { return world_.size(); }
  [[nodiscard]] std::optional<Message> receive(Channel channel) override;
  [[nodiscard]] Message wait(Channel channel, const std::string& for_what, double deadline_s) override;
  [[nodiscard]] std::optional<Message> wait_for(Channel channel, double seconds) override;
  void wake(Channel channel) override { inbox(channel).wake(); }
  [[nodiscard]] std::uint64_t bytes_received(Channel channel) const override {
    return received_[static_cast<std::size_t>(channel)];
  }
  [[nodiscard]] std::uint64_t bytes_sent(Channel channel) const override {
    return sent_[static_cast<std::size_t>(channel)];
  }

 protected:
  [[nodiscard]] Communicator& world() { return world_; }
  [[nodiscard]] const PortLimits& limits() const { return limits_; }
  [[nodiscard]] Inbox& inbox(Channel channel) { return *inboxes_[static_cast<std::size_t>(channel)]; }
  void count_received(Channel channel, std::size_t bytes) {
    received_[static_cast<std::size_t>(channel)] += bytes;
  }
  void count_sent(Channel channel, std::size_t bytes) { sent_[static_cast<std::size_t>(channel)] += bytes; }
  void send_to_self(Channel channel, std::string bytes);
  /// \throws Error(internal) where a message cannot be sent at all
  void check_message(std::span<const int> to, std::size_t bytes) const;
  /// A message was taken out of an inbox.
  virtual void room_was_made() {}

 private:
  Communicator& world_;
  PortLimits limits_;
  std::array<std::unique_ptr<Inbox>, kNumChannels> inboxes_;
  std::array<std::atomic<std::uint64_t>, kNumChannels> received_{}, sent_{};
};

[[nodiscard]] const char* name_of(Channel channel);

}  // namespace reckon
