#pragma once

#include <mpi.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "inbox.h"
#include "mpi_operation.h"
#include "packet.h"

namespace reckon {

/// Tags on the communicator of a port.
[[nodiscard]] inline int head_tag(Channel channel) {
  return static_cast<int>(channel);
}
[[nodiscard]] inline int payload_tag(Channel channel) {
  return kNumChannels + static_cast<int>(channel);
}

/// A packet that is being sent. It is done when the port of the receiver has taken it: sends are synchronous
/// ones, so that what nobody receives stays here and counts.
class OutgoingPacket final : public MpiOperation {
 public:
  OutgoingPacket(int to, Channel channel, Packet packet)
      : to_(to), channel_(channel), packet_(std::move(packet)), head_(as_head(packet_)) {}
  [[nodiscard]] int to() const { return to_; }
  [[nodiscard]] Channel channel() const { return channel_; }
  [[nodiscard]] std::size_t num_bytes() const override { return packet_.size; }

  void start(MPI_Comm comm);
  bool advance() override;

 private:
  int to_;
  Channel channel_;
  Packet packet_;
  std::string head_;
  MPI_Request requests_[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
};

/// Receives the packets of one channel, from all ranks, as long as its inbox has room.
class IncomingChannel {
 public:
  /// What to do with a packet that has come: called in the order in which its sender sent them.
  using Deliver = std::function<void(Packet packet)>;
  IncomingChannel(MPI_Comm comm, Channel channel, Inbox& inbox)
      : comm_(comm), channel_(channel), inbox_(inbox) {}

  /// \param may_pass_on  whether packets are received that go on to others
  /// \return whether anything moved
  bool advance(bool may_pass_on, const Deliver& deliver);
  /// Bytes of payloads that are arriving.
  [[nodiscard]] std::size_t num_bytes() const;

 private:
  struct Arriving {
    int sender = 0;  ///< the rank that it comes from, which may have passed it on
    std::string head;
    Packet packet;
    MPI_Request request = MPI_REQUEST_NULL;
    bool is_done = false;
  };
  bool take_head();
  bool start_payload(bool may_pass_on);
  bool finish(const Deliver& deliver);

  MPI_Comm comm_;
  Channel channel_;
  Inbox& inbox_;
  std::unique_ptr<Arriving> first_;  ///< its head is arriving, or waits for room
  bool has_head_ = false;
  std::deque<std::unique_ptr<Arriving>> arriving_;
};

}  // namespace reckon
