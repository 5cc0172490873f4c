#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reckon/base/error.h"

namespace reckon {

/// An exchange that is under way. It goes on in any wait of this rank, and may be dropped; it must not
/// outlive its communicator.
class PendingExchange {
 public:
  virtual ~PendingExchange() = default;
  /// Makes progress, and says whether all has come. Does not wait.
  [[nodiscard]] virtual bool is_done() = 0;
  /// What each rank gave for this one, in rank order; once. Waits as every collective does.
  [[nodiscard]] virtual std::vector<std::string> wait() = 0;
};

/// The ranks of a job and what they say to each other. All calls but rank(), size(), host() and those that
/// set or ask something are collective: every rank must make the same ones in the same order, from one
/// thread. Sums run in rank order, so that they are the same on every rank and run. A message has 2^31 - 1
/// bytes at most.
///
/// Nothing waits for ever: a collective for which a rank has not come within the timeout throws
/// Error(internal), and its message names the ranks that are missing, with their hosts, and what this rank
/// was doing; abort() is what is left to do then. After a third of the timeout a warning names them. Time in
/// which this process was stopped does not count.
class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  /// The name of the machine that a rank runs on.
  [[nodiscard]] virtual std::string host(int rank) const = 0;

  /// What each rank gave, in rank order, on every rank. Lengths may differ.
  [[nodiscard]] virtual std::vector<std::string> all_gather(std::string_view bytes) = 0;
  /// What each rank gave, in rank order, on the root; empty elsewhere.
  [[nodiscard]] virtual std::vector<std::string> gather(std::string_view bytes, int root) = 0;
  /// Copies the root's bytes into every rank's span; the spans have one length.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;
  /// parts[r] goes to rank r. \return what each rank gave for this one, in rank order
  [[nodiscard]] std::vector<std::string> all_to_all(std::vector<std::string> parts);
  /// The same, going on while this rank does other things. Several may be under way, and other collectives
  /// between; every rank starts them in the same order. \param parts  [size()]
  [[nodiscard]] virtual std::unique_ptr<PendingExchange> start_all_to_all(std::vector<std::string> parts) = 0;
  /// The ranks that give the same color, 0 or more, in the order they have here. It must not outlive this
  /// one.
  [[nodiscard]] virtual std::unique_ptr<Communicator> split(int color) = 0;
  /// Ends the job on every rank with this exit code. Does not return.
  [[noreturn]] virtual void abort(int exit_code) = 0;

  /// Elementwise over the ranks, in rank order.
  void sum(std::span<double> values);
  void sum(std::span<std::int64_t> values);
  void maximum(std::span<double> values);

  /// What this rank is doing, for the message of a wait that takes too long: "rl-1 step 12: gradients".
  /// Shared with communicators that were split off.
  void set_activity(std::string text) { state_->activity = std::move(text); }
  /// The longest wait for other ranks, in each collective. s; positive. Shared likewise.
  void set_timeout(double seconds) { state_->timeout_s = seconds; }
  [[nodiscard]] double timeout() const { return state_->timeout_s; }
  /// How long this rank has waited in collectives since this was asked last. s. Shared likewise.
  [[nodiscard]] double waited_seconds() { return std::exchange(state_->waited_s, 0.0); }

 protected:
  /// What a communicator has in common with those split off it.
  struct State {
    std::string activity;
    std::atomic<double> timeout_s{kDefaultTimeout};  ///< threads of ports read it
    double waited_s = 0.0;
  };
  Communicator() = default;
  explicit Communicator(std::shared_ptr<State> state) : state_(std::move(state)) {}
  [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

 private:
  static constexpr double kDefaultTimeout = 600.0;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// An error that every rank throws at the same place: none waits for another, and the job ends as it does
/// without one. The rank that knows why has the text, the others none.
class AgreedError : public Error {
 public:
  using Error::Error;
};

/// A rank whose text is not rank 0's.
struct Disagreement {
  int rank = 0;
  std::string text, first_text;  ///< its own, and rank 0's
};
/// The first one, the same on every rank; none where all ranks gave one text. Collective.
[[nodiscard]] std::optional<Disagreement> first_disagreement(Communicator& world, std::string_view text);

/// The name of this machine.
[[nodiscard]] std::string host_name();

/// One rank, alone.
[[nodiscard]] std::unique_ptr<Communicator> make_serial_communicator();

/// MPI from MPI_Init to MPI_Finalize; make one, before any other MPI call. Its communicator covers
/// MPI_COMM_WORLD.
class MpiSession {
 public:
  /// \throws Error(environment) where the launcher started more tasks than MPI sees: srun without the right
  /// PMI starts
  ///         every rank alone, each believing itself rank 0 of 1.
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  [[nodiscard]] Communicator& world() { return *world_; }

 private:
  std::unique_ptr<Communicator> world_;
};

/// The part of [0, count) that a rank takes: contiguous, in rank order, sizes differing by at most one.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t size() const { return end - begin; }
};
[[nodiscard]] Range share_of(std::int64_t count, int rank, int size);

}  // namespace reckon
