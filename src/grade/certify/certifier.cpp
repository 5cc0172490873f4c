#include "certifier.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "process.h"
#include "reckon/grade/certifier.h"
#include "wire.h"

namespace reckon {
namespace {

using std::chrono::steady_clock;

constexpr auto kAnswerTime = std::chrono::milliseconds(200);
/// The zygote answers at once; where it does not, it is lost.
constexpr auto kZygoteTime = std::chrono::seconds(2);
constexpr int kDefaultWorkers = 2;
constexpr int kChannelNumber = 3;

/// The workers as the asking process sees them: the one place that processes are shared by all threads.
class Certifiers {
 public:
  Certifiers() = default;
  Certifiers(const Certifiers&) = delete;
  Certifiers& operator=(const Certifiers&) = delete;
  ~Certifiers() { stop(); }

  void start(int num_workers);
  void stop();
  Equality ask(const std::string& request);
  CertifierStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Slot {
    Descriptor channel;
    bool is_busy = false;
  };

  void start_locked(int num_workers);
  /// A free slot, marked busy, or nothing by the deadline.
  std::optional<std::size_t> acquire(Deadline deadline);
  void release(std::size_t slot);
  bool order(char what, std::size_t slot, Descriptor* channel);
  Equality exchange(std::size_t slot, const std::string& request, Deadline deadline);

  std::mutex mutex_;  // of all below but the channels of busy slots
  std::condition_variable freed_;
  std::vector<Slot> slots_;
  CertifierStats stats_;
  pid_t owner_ = 0;  // a copy of this process by fork() must not use its workers
  pid_t zygote_ = 0;

  std::mutex control_mutex_;  // one order at a time
  Descriptor control_;
};

void Certifiers::start(int num_workers) {
  if (num_workers < 1 || num_workers > kMaxWorkers) {
    throw std::invalid_argument("start_certifiers: " + std::to_string(num_workers) + " workers (need 1 to " +
                                std::to_string(kMaxWorkers) + ")");
  }
  const std::lock_guard lock(mutex_);
  if (zygote_ != 0 && owner_ == getpid()) return;
  start_locked(num_workers);
}

void Certifiers::start_locked(int num_workers) {
  slots_.clear();
  slots_.resize(static_cast<std::size_t>(num_workers));
  auto [ours, theirs] = make_channel();
  if (!ours.is_open())
    throw std::system_error(errno, std::generic_category(), "start_certifiers: socketpair");
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "start_certifiers: fork");
  if (child == 0) {
    // The signal comes when the thread that forked ends: only the main thread lives as long as the process.
    // The others rely on the closed channel.
    if (gettid() == getpid()) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    isolate(theirs.get());
    run_zygote(kChannelNumber);
  }
  owner_ = parent;
  zygote_ = child;
  control_ = std::move(ours);
}

void Certifiers::stop() {
  const std::lock_guard control_lock(control_mutex_);
  const std::lock_guard lock(mutex_);
  if (zygote_ == 0 || owner_ != getpid()) return;
  // Closing its channel ends the zygote, after it has ended and reaped the workers.
  { const Descriptor closed = std::move(control_); }
  control_ = Descriptor();
  while (waitpid(zygote_, nullptr, 0) < 0 && errno == EINTR) {
  }
  zygote_ = 0;
  slots_.clear();
  freed_.notify_all();
}

std::optional<std::size_t> Certifiers::acquire(Deadline deadline) {
  std::unique_lock lock(mutex_);
  ++stats_.requests;
  if (zygote_ == 0 || owner_ != getpid()) start_locked(kDefaultWorkers);
  while (true) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].is_busy) continue;
      slots_[i].is_busy = true;
      return i;
    }
    if (slots_.empty() || freed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      ++stats_.timeouts;
      return std::nullopt;
    }
  }
}

void Certifiers::release(std::size_t slot) {
  {
    const std::lock_guard lock(mutex_);
    if (slot < slots_.size()) slots_[slot].is_busy = false;
  }
  freed_.notify_one();
}

bool Certifiers::order(char what, std::size_t slot, Descriptor* channel) {
  const std::lock_guard lock(control_mutex_);
  const Deadline deadline = steady_clock::now() + kZygoteTime;
  const std::string bytes{what, static_cast<char>(slot)};
  Message reply;
  if (!control_.is_open() || !send_message(control_.get(), bytes, deadline) ||
      receive_message(control_.get(), reply, deadline) != Receive::ok || reply.bytes != bytes) {
    control_ = Descriptor();  // lost, or out of step: no more orders
    return false;
  }
  if (channel != nullptr) *channel = std::move(reply.attached);
  return channel == nullptr || channel->is_open();
}

Equality Certifiers::exchange(std::size_t slot, const std::string& request, Deadline deadline) {
  Descriptor& channel = slots_[slot].channel;
  if (!channel.is_open() && !order(kSpawn, slot, &channel)) return Equality::undecided;
  Message reply;
  bool is_sent = send_message(channel.get(), request, deadline);
  if (!is_sent && order(kSpawn, slot, &channel)) {  // the worker had ended before it was asked
    is_sent = send_message(channel.get(), request, deadline);
  }
  const Receive received = is_sent ? receive_message(channel.get(), reply, deadline) : Receive::closed;
  if (received == Receive::ok && reply.bytes.size() == 1) {
    const auto equality = static_cast<Equality>(reply.bytes[0]);
    return equality == Equality::equal || equality == Equality::different ? equality : Equality::undecided;
  }
  channel = Descriptor();
  order(kKill, slot, nullptr);
  const std::lock_guard lock(mutex_);
  if (received == Receive::timeout) {
    ++stats_.timeouts;
    return Equality::timeout;
  }
  ++stats_.deaths;
  return Equality::undecided;
}

Equality Certifiers::ask(const std::string& request) {
  const Deadline deadline = steady_clock::now() + kAnswerTime;
  const auto slot = acquire(deadline);
  if (!slot) return Equality::timeout;
  const Equality result = exchange(*slot, request, deadline);
  release(*slot);
  return result;
}

/// Workers belong to the process, as its threads do.
Certifiers& certifiers() {
  static Certifiers instance;
  return instance;
}

void append_tree(std::string& request, const Expr& expr) {
  const std::string bytes = write_expr(expr);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  request.append(reinterpret_cast<const char*>(&size), sizeof size);
  request += bytes;
}

}  // namespace

Equality certify_equal(const Expr& a, const Expr& b) {
  std::string request;
  append_tree(request, a);
  append_tree(request, b);
  if (request.size() > kMaxMessage) return Equality::undecided;
  return certifiers().ask(request);
}

void start_certifiers(int num_workers) {
  certifiers().start(num_workers);
}

void stop_certifiers() {
  certifiers().stop();
}

CertifierStats certifier_stats() {
  return certifiers().stats();
}

}  // namespace reckon
