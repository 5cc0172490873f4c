#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"

namespace reckon {

/// What a message is about: messages of one channel keep their order between two ranks, and a channel that
/// nobody reads does not hold up another.
enum class Channel : int {
  control = 0,  ///< who does what
  groups = 1,   ///< completions, from those who sample to those who learn
  weights = 2,  ///< the other way
};
inline constexpr int kNumChannels = 3;

struct Message {
  int from = 0;
  std::string bytes;
};

/// Bounds of what a port holds. A rank that does not read is not sent more than this.
struct PortLimits {
  std::size_t inbox_bytes = std::size_t{256} << 20;   ///< of a channel; a single larger message is let in
  std::size_t outbox_bytes = std::size_t{256} << 20;  ///< to one rank on one channel; the same
};

/// Messages from rank to rank beside the collectives. A thread of the port moves them while the rank
/// computes: it asks the library at growing intervals, up to a millisecond, where nothing moves, so that no
/// core spins.
///
/// send(), receive() and wait() may be called from any thread. An Error(internal) of any of them after a
/// collective has failed says that the job is being ended.
class MessagePort {
 public:
  virtual ~MessagePort() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// Takes the message and returns; waits, within the timeout, where outbox_bytes are under way to that rank.
  /// A rank may send to itself. \throws Error(internal) naming the rank that does not take its messages
  virtual void send(int to, Channel channel, std::string bytes) = 0;
  /// One message to several ranks: the first one's port passes it on to the second, and so on, at once and
  /// whatever that rank is doing, so that each link carries it once.
  /// \param route  ranks, each once, this one not among them
  virtual void send_along(std::span<const int> route, Channel channel, std::string bytes) = 0;
  /// The oldest message of a channel, or nothing.
  [[nodiscard]] virtual std::optional<Message> receive(Channel channel) = 0;
  /// Waits for one. \param deadline_s  longest wait; 0: the communicator's timeout
  /// \param for_what  "groups of step 12 from rank 3 (node2)", for the message
  /// \throws Error(internal)
  [[nodiscard]] virtual Message wait(Channel channel, const std::string& for_what, double deadline_s = 0) = 0;
  /// Waits for one for so long, or until wake().
  [[nodiscard]] virtual std::optional<Message> wait_for(Channel channel, double seconds) = 0;
  /// Ends wait_for() of a channel, now or when it is called next.
  virtual void wake(Channel channel) = 0;
  /// Waits until the ports of those that it goes to have taken all that was sent and passed on. Not
  /// collective. \throws as send()
  virtual void flush() = 0;
  /// Bytes that were received and sent on a channel since the port was made; for metrics.
  [[nodiscard]] virtual std::uint64_t bytes_received(Channel channel) const = 0;
  [[nodiscard]] virtual std::uint64_t bytes_sent(Channel channel) const = 0;
};

/// A port of all ranks of a communicator: of MPI, or of one rank alone, which writes to itself. Collective,
/// as is its end: destroy it on every rank when no message is on its way, before the communicator. While an
/// exception is handled it ends without the others.
/// \throws Error(environment)  where MPI is not for several threads
[[nodiscard]] std::unique_ptr<MessagePort> make_message_port(Communicator& world,
                                                             const PortLimits& limits = {});

}  // namespace reckon
