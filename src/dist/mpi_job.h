#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mpi_operation.h"
#include "wait_board.h"
#include "wait_clock.h"

namespace reckon {

/// A collective that is waited for.
struct CollectiveWait {
  std::uint64_t communicator = 0;           ///< the same on all its ranks, another for every one
  std::uint64_t number = 0;                 ///< of the collective on its communicator
  const char* call = "";                    ///< "all_gather"
  const std::vector<int>* ranks = nullptr;  ///< of the communicator, by their numbers in the job
  std::string activity;
  double timeout_s = 0.0;
};

/// What the communicators of a process share: what is under way in MPI, and what the ranks know of each
/// other's waits. Used by one thread, but for has_failed().
class MpiJob {
 public:
  /// \param thread_level  what MPI_Init_thread() provided
  explicit MpiJob(int thread_level);
  ~MpiJob();
  MpiJob(const MpiJob&) = delete;
  MpiJob& operator=(const MpiJob&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int thread_level() const { return thread_level_; }
  [[nodiscard]] WaitBoard& board() { return board_; }

  /// Keeps an operation until it is done; waits for anything else bring it forward, too.
  void start(std::shared_ptr<MpiOperation> operation);
  /// Waits until an operation that was started is done. \return s that it took
  /// \throws Error(internal) as Communicator says
  double wait(const CollectiveWait& wait, MpiOperation& operation);

  /// A wait has failed, or the job is being aborted: MPI is not called any more, since what was under way may
  /// have lost its memory.
  void fail() { has_failed_ = true; }
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  class LongWait;
  struct SentNotice {
    std::string text;
    std::vector<MPI_Request> requests;
  };
  double wait_until_done(const CollectiveWait& wait, MpiOperation& operation);
  void advance_all();
  void read_notices(double now_s);
  /// To all other ranks; does not wait.
  void send_notice(std::string text);

  int rank_ = 0;
  int size_ = 1;
  int thread_level_ = 0;
  WaitBoard board_;
  WaitClock clock_;
  std::vector<std::shared_ptr<MpiOperation>> under_way_;
  std::vector<std::unique_ptr<SentNotice>> sent_;
  std::atomic<bool> has_failed_ = false;
  bool has_told_end_ = false;  ///< where this rank waited when SIGTERM came
};

}  // namespace reckon
