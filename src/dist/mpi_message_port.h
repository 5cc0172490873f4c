#pragma once

#include <mpi.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "mpi_communicator.h"
#include "packet_streams.h"
#include "port_base.h"

namespace reckon {

/// \throws Error(environment) where MPI is not for several threads \param provided  by MPI_Init_thread()
void require_threads(int provided);

/// A port whose thread does all of its messages, on a communicator of its own.
class MpiMessagePort final : public PortBase {
 public:
  MpiMessagePort(MpiCommunicator& world, const PortLimits& limits);
  ~MpiMessagePort() override;

  void send(int to, Channel channel, std::string bytes) override;
  void send_along(std::span<const int> route, Channel channel, std::string bytes) override;
  void flush() override;

 protected:
  void room_was_made() override;

 private:
  using Link = std::pair<int, Channel>;
  using Outbox = std::deque<std::unique_ptr<OutgoingPacket>>;

  /// Waits for room, and hands a packet to the thread.
  void send_packet(int to, Channel channel, Packet packet);
  /// Hands a packet to the thread, room or not.
  void queue(int to, Channel channel, Packet packet);
  [[noreturn]] void give_up(const Link& link, double waited_s);
  /// Waits for `is_over`, which is asked under the lock; \throws Error(internal) where the port has failed
  template <class IsOver>
  bool wait_locked(std::unique_lock<std::mutex>& lock, double seconds, IsOver is_over);

  // The thread's.
  void run();
  void move_until_stopped();
  bool move();
  bool start_sends();
  bool finish_sends();
  void deliver(Channel channel, Packet packet);
  [[nodiscard]] bool may_pass_on(Channel channel);
  /// Sleeps until there may be something to do. \return whether the port is to stop
  bool pause(double idle_s);

  MpiCommunicator& ranks_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int num_exceptions_;

  std::mutex mutex_;
  std::condition_variable work_, room_;
  Outbox queued_;                          ///< not yet given to MPI
  std::map<Link, std::size_t> under_way_;  ///< bytes, queued or in MPI
  bool has_work_ = false;
  bool is_stopping_ = false;
  std::string failure_;  ///< why the thread has ended, where it was not asked to

  Outbox sending_;
  std::vector<IncomingChannel> incoming_;
  std::thread thread_;
};

}  // namespace reckon
