#include "reckon/dist/nccl_communicator.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <list>
#include <stdexcept>
#include <thread>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace reckon {
namespace {

constexpr char kLateRank[] =
    "Another rank has stopped or is late: the log of the first that stopped has the cause.";
constexpr char kNotReached[] =
    "Every rank must be started and reach rank 0 over the network; NCCL_DEBUG=INFO tells the interface.";

template <class T>
std::string formatted(const char* format, T value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// 1 MB is 10^6 bytes.
std::string size_text(std::size_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1000) return std::to_string(bytes) + " B";
  if (bytes < 1'000'000) return formatted("%.1f kB", value / 1e3);
  if (bytes < 1'000'000'000) return formatted("%.1f MB", value / 1e6);
  return formatted("%.2f GB", value / 1e9);
}

std::string collective_text(const char* name, std::string_view tensor, std::size_t bytes) {
  return std::string(name) + "(" + std::string(tensor) + ", " + size_text(bytes) + ")";
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string label_of(const Communicator& world, const NcclConfig& config) {
  return "[rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) + " " +
         (config.host.empty() ? host_name() : config.host) + " cuda:" + std::to_string(config.device) + "] ";
}

void check_config(const NcclConfig& config) {
  if (!(config.timeout_s > 0.0) || !std::isfinite(config.timeout_s)) {
    throw std::invalid_argument("NcclConfig: timeout_s is " + formatted("%g", config.timeout_s) +
                                " (need a positive number of seconds)");
  }
  if (config.num_channels < 1 || config.num_channels > 64) {
    throw std::invalid_argument("NcclConfig: num_channels is " + std::to_string(config.num_channels) +
                                " (need 1 to 64)");
  }
}

/// It goes before ncclConfig_t.blocking, and a call that blocks has no time limit.
void check_not_blocking(const std::string& label) {
  const char* value = std::getenv("NCCL_COMM_BLOCKING");
  if (value == nullptr || std::string_view(value) == "0") return;
  throw Error(ExitCode::environment, label + "init: NCCL_COMM_BLOCKING is " + in_quotes(value) +
                                         " (need it unset or 0: a rank that has stopped is else waited for "
                                         "without limit)");
}

/// What the order of sums depends on, as this rank has it.
std::string settings_text(NcclCalls& calls, const NcclConfig& config) {
  std::string text = "NCCL " + calls.version() + ", " + std::to_string(config.num_channels) + " channels";
  for (const char* name : {"NCCL_ALGO", "NCCL_PROTO", "NCCL_MIN_CTAS", "NCCL_MAX_CTAS"}) {
    if (const char* value = std::getenv(name)) text += std::string(", ") + name + "=" + value;
  }
  return text;
}

/// A limit on one wait. The first looks follow each other at once, later ones at growing distances up to 1
/// ms.
class Patience {
 public:
  Patience(NcclCalls& calls, double timeout_s) : calls_(calls), end_s_(calls.now_s() + timeout_s) {}
  [[nodiscard]] bool over() { return calls_.now_s() >= end_s_; }
  void pause() {
    constexpr int kEagerLooks = 64;
    if (looks_ < kEagerLooks) {
      ++looks_;
      calls_.pause(0.0);
      return;
    }
    calls_.pause(pause_s_);
    pause_s_ = std::min(2.0 * pause_s_, 1e-3);
  }

 private:
  NcclCalls& calls_;
  double end_s_;
  int looks_ = 0;
  double pause_s_ = 20e-6;
};

class NcclCommunicator final : public DeviceCommunicator {
 public:
  NcclCommunicator(Communicator& world, std::unique_ptr<NcclCalls> calls, const NcclConfig& config)
      : calls_(std::move(calls)),
        timeout_s_(config.timeout_s),
        rank_(world.rank()),
        size_(world.size()),
        label_(label_of(world, config)) {
    check_not_blocking(label_);
    agree_on_settings(world, config);
    const NcclId id = share_id(world);
    must_succeed(ExitCode::environment, "init", kNotReached,
                 calls_->init(id, rank_, size_, config.num_channels));
  }

  ~NcclCommunicator() override {
    if (failure_.empty()) close();
    for (const Pending& pending : under_way_) calls_->release(pending.event);
    for (const CudaEvent event : spare_events_) calls_->release(event);
  }
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }

  void all_reduce_sum(float* device, std::size_t count, std::string_view tensor, Stream stream) override {
    enqueue(collective_text("all_reduce", tensor, count * sizeof(float)), tensor, stream,
            [&] { return calls_->all_reduce_sum(device, count, stream); });
  }

  void reduce_sum(float* device, std::size_t count, int root, std::string_view tensor,
                  Stream stream) override {
    check_root("reduce", root);
    enqueue(collective_text("reduce", tensor, count * sizeof(float)), tensor, stream,
            [&] { return calls_->reduce_sum(device, count, root, stream); });
  }

  void broadcast(void* device, std::size_t bytes, int root, std::string_view tensor, Stream stream) override {
    check_root("broadcast", root);
    enqueue(collective_text("broadcast", tensor, bytes), tensor, stream,
            [&] { return calls_->broadcast(device, bytes, root, stream); });
  }

  void all_gather(void* device, std::size_t bytes, std::string_view tensor, Stream stream) override {
    enqueue(collective_text("all_gather", tensor, bytes * static_cast<std::size_t>(size_)), tensor, stream,
            [&] { return calls_->all_gather(device, bytes, stream); });
  }

  void reduce_scatter_sum(float* device, std::size_t count, std::string_view tensor, Stream stream) override {
    enqueue(
        collective_text("reduce_scatter", tensor, count * sizeof(float) * static_cast<std::size_t>(size_)),
        tensor, stream, [&] { return calls_->reduce_scatter_sum(device, count, stream); });
  }

  void wait(std::string_view tensor) override {
    must_be_usable("wait(" + std::string(tensor) + ")");
    bool found = false;
    for (auto pending = under_way_.begin(); pending != under_way_.end();) {
      const auto next = std::next(pending);
      if (pending->tensor == tensor) {
        found = true;
        complete(pending);
      }
      pending = next;
    }
    if (!found) throw_not_under_way(tensor);
  }

  void wait_all() override {
    must_be_usable("wait_all");
    while (!under_way_.empty()) complete(under_way_.begin());
  }

 private:
  struct Pending {
    std::string tensor;
    std::string what;  ///< the collective, as messages name it
    CudaEvent event = nullptr;
  };

  void agree_on_settings(Communicator& world, const NcclConfig& config) const {
    const auto other = first_disagreement(world, settings_text(*calls_, config));
    if (!other) return;
    throw Error(ExitCode::environment, label_ + "init: rank " + std::to_string(other->rank) + " has " +
                                           other->text + "; rank 0 has " + other->first_text +
                                           " (need the same on every rank)");
  }

  /// Rank 0 makes the id; where it cannot, every rank is told.
  NcclId share_id(Communicator& world) {
    std::array<std::byte, 1 + std::tuple_size_v<NcclId>> message{};  // whether there is an id, and the id
    NcclId id{};
    NcclResult result;
    if (rank_ == 0) {
      result = calls_->make_id(id);
      message[0] = std::byte{result.status == NcclStatus::done};
      std::copy(id.begin(), id.end(), message.begin() + 1);
    }
    world.broadcast(message, 0);
    if (rank_ == 0) must_succeed(ExitCode::environment, "init: unique id", "", result);
    if (message[0] == std::byte{0}) {
      fail(ExitCode::environment, "init", "rank 0 could not make the unique id. Its log has the cause.");
    }
    std::copy(message.begin() + 1, message.end(), id.begin());
    return id;
  }

  template <class Call>
  void enqueue(std::string what, std::string_view tensor, Stream stream, Call call) {
    must_be_usable(what);
    must_succeed(ExitCode::internal, what, kLateRank, call());
    // Not before NCCL has taken the call: until then the collective may not be on the stream.
    CudaEvent event = nullptr;
    if (!spare_events_.empty()) {
      event = spare_events_.back();
      spare_events_.pop_back();
    }
    const NcclResult recorded = calls_->record(event, stream);
    under_way_.push_back({std::string(tensor), what, event});
    must_succeed(ExitCode::internal, what, "", recorded);
  }

  /// Waits for one collective and forgets it.
  void complete(std::list<Pending>::iterator pending) {
    Patience patience(*calls_, timeout_s_);
    while (true) {
      const bool is_last_look = patience.over();
      const NcclResult device = calls_->query(pending->event);
      // A failed collective may let the device go on: NCCL is asked in both cases.
      std::string problem = problem_text(calls_->state());
      if (problem.empty()) problem = problem_text(device);
      if (!problem.empty()) fail(ExitCode::internal, pending->what, problem);
      if (device.status == NcclStatus::done) break;
      if (is_last_look) fail(ExitCode::internal, pending->what, no_answer_text(kLateRank));
      patience.pause();
    }
    spare_events_.push_back(pending->event);
    under_way_.erase(pending);
  }

  /// Waits until NCCL has completed a call that answered `result`.
  /// \return what went wrong; empty where nothing did
  std::string settle(NcclResult result, const char* timeout_hint) {
    Patience patience(*calls_, timeout_s_);
    while (result.status == NcclStatus::in_progress) {
      patience.pause();
      const bool is_last_look = patience.over();  // asked first: this process may be held up at any point
      result = calls_->state();
      if (is_last_look && result.status == NcclStatus::in_progress) return no_answer_text(timeout_hint);
    }
    return problem_text(result);
  }

  void must_succeed(ExitCode code, const std::string& what, const char* timeout_hint,
                    const NcclResult& result) {
    const std::string problem = settle(result, timeout_hint);
    if (!problem.empty()) fail(code, what, problem);
  }

  void must_be_usable(const std::string& what) const {
    if (failure_.empty()) return;
    throw Error(ExitCode::internal,
                label_ + what + ": the communicator was aborted. The first error: " + failure_);
  }

  [[noreturn]] void fail(ExitCode code, const std::string& what, const std::string& problem) {
    failure_ = label_ + what + ": " + problem;
    calls_->abort();
    throw Error(code, failure_);
  }

  /// Empty where nothing failed.
  [[nodiscard]] std::string problem_text(const NcclResult& result) {
    if (result.status == NcclStatus::cuda_failed) return "CUDA: " + result.text;
    if (result.status != NcclStatus::nccl_failed) return "";
    const std::string detail = calls_->last_error();
    return "NCCL: " + result.text + (detail.empty() ? "" : "; last: " + detail);
  }

  [[nodiscard]] std::string no_answer_text(const char* hint) const {
    return "no answer within " + formatted("%g", timeout_s_) + " s. " + hint;
  }

  /// Ends a communicator that has not failed. Does not throw: the destructor's.
  void close() {
    if (std::uncaught_exceptions() > num_exceptions_at_start_) {
      calls_->abort();
      return;
    }
    const std::string problem = settle(calls_->finalize(), kLateRank);
    if (problem.empty()) {
      calls_->destroy();
      return;
    }
    log_warning(label_ + "finalize: " + problem);
    calls_->abort();
  }

  std::unique_ptr<NcclCalls> calls_;
  double timeout_s_;
  int rank_;
  int size_;
  std::string label_;  ///< stands before every message: rank, host, device
  int num_exceptions_at_start_ = std::uncaught_exceptions();
  std::string failure_;           ///< the first error, after which NCCL must not be called
  std::list<Pending> under_way_;  ///< in the order in which they were enqueued
  std::vector<CudaEvent> spare_events_;
};

}  // namespace

double NcclCalls::now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void NcclCalls::pause(double seconds) {
  if (seconds <= 0.0) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
}

std::unique_ptr<DeviceCommunicator> make_nccl_communicator(Communicator& world,
                                                           std::unique_ptr<NcclCalls> calls,
                                                           const NcclConfig& config) {
  check_config(config);
  setenv("NCCL_ALGO", "Ring", 0);
  setenv("NCCL_PROTO", "Simple", 0);
  return std::make_unique<NcclCommunicator>(world, std::move(calls), config);
}

}  // namespace reckon
