#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace reckon {

/// A file descriptor that is closed with the object; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

using Deadline = std::chrono::steady_clock::time_point;

/// Two ends of a local socket that keeps the bounds of messages, closed when a program is started by exec.
/// Both are closed (not open) where the system has none left.
[[nodiscard]] std::pair<Descriptor, Descriptor> make_channel();

/// One message, with a descriptor that the receiver gets a copy of, where `attached` is not -1. Never raises
/// SIGPIPE. \return false where the other end is gone, or (as for all that follows) not ready by the
/// deadline.
bool send_message(int fd, const std::string& message, Deadline deadline, int attached = -1);

struct Message {
  std::string bytes;
  Descriptor attached;  ///< where one came along
};
enum class Receive { ok, closed, timeout };
/// The next message; waits without end where there is no deadline.
Receive receive_message(int fd, Message& message, std::optional<Deadline> deadline);

/// Longer ones are not sent.
inline constexpr std::size_t kMaxMessage = 64 * 1024;

}  // namespace reckon
