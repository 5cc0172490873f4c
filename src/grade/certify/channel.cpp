#include "channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace reckon {
namespace {

enum class Ready { yes, timeout, error };

/// Waits with poll(), through interruptions by signals.
Ready wait_for(int fd, short events, std::optional<Deadline> deadline) {
  while (true) {
    int timeout_ms = -1;
    if (deadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      timeout_ms = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    pollfd entry{fd, events, 0};
    const int count = poll(&entry, 1, timeout_ms);
    if (count > 0) return Ready::yes;
    if (count == 0) return Ready::timeout;
    if (errno != EINTR) return Ready::error;
  }
}

/// Room for one descriptor beside a message.
union Control {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

std::pair<Descriptor, Descriptor> make_channel() {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool send_message(int fd, const std::string& message, Deadline deadline, int attached) {
  if (message.empty() || message.size() > kMaxMessage) return false;
  iovec part{const_cast<char*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  Control control{};
  if (attached >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    cmsghdr* entry = CMSG_FIRSTHDR(&header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(entry), &attached, sizeof attached);
  }
  while (true) {
    const ssize_t sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(message.size())) return true;
    if (sent >= 0 || (errno != EINTR && errno != EAGAIN)) return false;
    if (errno == EAGAIN && wait_for(fd, POLLOUT, deadline) != Ready::yes) return false;
  }
}

Receive receive_message(int fd, Message& message, std::optional<Deadline> deadline) {
  const Ready ready = wait_for(fd, POLLIN, deadline);
  if (ready != Ready::yes) return ready == Ready::timeout ? Receive::timeout : Receive::closed;
  message.bytes.resize(kMaxMessage);
  iovec part{message.bytes.data(), message.bytes.size()};
  Control control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  ssize_t count = 0;
  do {
    count = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return Receive::closed;
  message.bytes.resize(static_cast<std::size_t>(count));
  const cmsghdr* entry = CMSG_FIRSTHDR(&header);
  if (entry != nullptr && entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_RIGHTS) {
    int attached = -1;
    std::memcpy(&attached, CMSG_DATA(entry), sizeof attached);
    message.attached = Descriptor(attached);
  }
  return Receive::ok;
}

}  // namespace reckon
