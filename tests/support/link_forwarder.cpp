// A link between two tap devices that is slow, loses frames or is cut: netem, where the kernel has none.
//
// Usage: link_forwarder DEVICE DEVICE [--delay-ms D] [--loss SHARE] [--mbit RATE] [--seed N]
// Makes both devices and carries frames between them, each direction alike, until it is killed. A device may
// be moved to another network namespace. SIGUSR1 cuts the link: nothing passes, what is under way is lost.
// SIGUSR2 mends it. Exit codes: 2 usage, 78 no tap devices here.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>

#include "support/link_model.h"

namespace reckon::testing {
namespace {

volatile std::sig_atomic_t is_cut = 0;

void on_signal(int signal) {
  is_cut = signal == SIGUSR1 ? 1 : 0;
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(int code, const std::string& text) {
  std::fprintf(stderr, "link_forwarder: %s\n", text.c_str());
  std::exit(code);
}

/// A new tap device; it is there as long as the process is.
int make_tap(const std::string& name) {
  const int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) fail(78, std::string("/dev/net/tun: ") + std::strerror(errno));
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(file, TUNSETIFF, &request) != 0) fail(78, name + ": " + std::strerror(errno));
  return file;
}

/// Frames from one device to the other.
class Direction {
 public:
  Direction(int from, int to, const LinkOptions& options) : from_(from), to_(to), model_(options) {}

  /// Takes the frames that wait at the one end, and hands over those that have arrived at the other.
  void work() {
    if (is_cut != 0) under_way_.clear();
    model_.set_cut(is_cut != 0);
    for (ssize_t size = 0; (size = read(from_, buffer_.data(), buffer_.size())) > 0;) {
      const auto bytes = static_cast<std::size_t>(size);
      if (const auto arrival = model_.carry(bytes, now_s()))
        under_way_.push_back({*arrival, std::string(buffer_.data(), bytes)});
    }
    while (!under_way_.empty() && under_way_.front().arrival_s <= now_s()) {
      const std::string& bytes = under_way_.front().bytes;
      // A device that is down takes nothing: the frame is lost, as at a machine that is off.
      if (write(to_, bytes.data(), bytes.size()) < 0 && errno == EAGAIN) return;
      under_way_.pop_front();
    }
  }
  /// Seconds until the next frame arrives.
  [[nodiscard]] double next_s() const {
    return under_way_.empty() ? 1.0 : std::max(0.0, under_way_.front().arrival_s - now_s());
  }

 private:
  struct Frame {
    double arrival_s = 0;
    std::string bytes;
  };
  int from_, to_;
  LinkModel model_;
  std::deque<Frame> under_way_;  // in order of arrival: delay and rate are the same for all
  std::array<char, 65536> buffer_{};
};

LinkOptions read_options(int argc, char** argv) {
  LinkOptions options;
  for (int i = 3; i < argc; i += 2) {
    const std::string_view name = argv[i];
    char* end = nullptr;
    const double value = i + 1 < argc ? std::strtod(argv[i + 1], &end) : -1;
    if (end == nullptr || end == argv[i + 1] || *end != '\0' || !(value >= 0))
      fail(2, std::string(name) + ": needs a number, 0 or more");
    if (name == "--delay-ms") {
      options.delay_s = value / 1e3;
    } else if (name == "--loss" && value <= 1) {
      options.loss = value;
    } else if (name == "--mbit") {
      options.bytes_per_s = value * 1e6 / 8;
    } else if (name == "--seed") {
      options.seed = static_cast<std::uint64_t>(value);
    } else {
      fail(2, "what is " + std::string(name) + " " + argv[i + 1] + "?");
    }
  }
  return options;
}

[[noreturn]] void forward(int left, int right, const LinkOptions& options) {
  LinkOptions back = options;
  back.seed += 1;  // or both directions would lose the same frames
  Direction there(left, right, options), home(right, left, back);
  sigset_t none;
  sigemptyset(&none);
  while (true) {
    const double wait_s = std::min(there.next_s(), home.next_s());
    const timespec timeout{static_cast<time_t>(wait_s), static_cast<long>(std::fmod(wait_s, 1.0) * 1e9)};
    std::array<pollfd, 2> files{pollfd{left, POLLIN, 0}, pollfd{right, POLLIN, 0}};
    // A device that is down reads as an error, at once and for ever.
    if (ppoll(files.data(), files.size(), &timeout, &none) > 0 &&
        ((files[0].revents | files[1].revents) & POLLERR) != 0)
      usleep(1000);
    there.work();
    home.work();
  }
}

}  // namespace
}  // namespace reckon::testing

int main(int argc, char** argv) {
  using namespace reckon::testing;
  if (argc < 3) fail(2, "needs two names of devices");
  const LinkOptions options = read_options(argc, argv);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    sigaction(signal, &action, nullptr);
    sigaddset(&handled, signal);
  }
  sigprocmask(SIG_BLOCK, &handled, nullptr);  // they come while it waits
  const int left = make_tap(argv[1]), right = make_tap(argv[2]);
  forward(left, right, options);
}
