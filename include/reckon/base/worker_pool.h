#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace reckon {

/// A few threads that work off a bounded queue of jobs. One thread owns the pool: it calls submit(), wait()
/// and discard(), and jobs call none of them. Which thread runs a job, and when, is open: a job's result must
/// not depend on it.
class WorkerPool {
 public:
  /// \param num_threads    0 runs each job in submit(), on the owner's thread.
  /// \param max_waiting    jobs that wait; at least 1. submit() blocks at more.
  /// \param at_thread_end  called by each thread before it ends, to free what libraries keep for a thread.
  /// \throws std::invalid_argument where max_waiting is 0; std::system_error where a thread cannot be
  /// started.
  explicit WorkerPool(std::size_t num_threads, std::size_t max_waiting = 1024,
                      std::function<void()> at_thread_end = {});
  /// As discard().
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Hands over a job. What it refers to must live until wait() or discard() has returned.
  void submit(std::function<void()> job);

  /// Blocks until every job has run. \throws what a job threw: of several the one submitted first, the same
  /// whatever the timing, and the others are forgotten. The pool can be used on.
  void wait();

  /// Drops the jobs that have not begun, and what jobs threw; blocks until the others are done.
  void discard() noexcept;

  [[nodiscard]] std::size_t num_threads() const { return threads_.size(); }

 private:
  struct Job {
    std::uint64_t number = 0;
    std::function<void()> work;
  };

  void run_thread();
  void run(Job& job) noexcept;
  void stop() noexcept;

  std::size_t max_waiting_;
  std::function<void()> at_thread_end_;
  std::uint64_t num_submitted_ = 0;  // the owner's
  std::mutex mutex_;                 // guards what follows
  std::condition_variable job_waits_, room_is_free_, all_done_;
  std::deque<Job> waiting_;
  std::size_t num_running_ = 0;
  std::uint64_t first_failed_ = 0;  // its number, where failure_ is set
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace reckon
