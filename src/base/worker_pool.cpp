#include "reckon/base/worker_pool.h"

#include <stdexcept>
#include <utility>

namespace reckon {

WorkerPool::WorkerPool(std::size_t num_threads, std::size_t max_waiting, std::function<void()> at_thread_end)
    : max_waiting_(max_waiting), at_thread_end_(std::move(at_thread_end)) {
  if (max_waiting == 0) throw std::invalid_argument("WorkerPool: max_waiting is 0 (need at least 1)");
  try {
    for (std::size_t i = 0; i < num_threads; ++i) threads_.emplace_back([this] { run_thread(); });
  } catch (...) {
    stop();
    throw;
  }
}

WorkerPool::~WorkerPool() {
  discard();
  stop();
}

void WorkerPool::submit(std::function<void()> job) {
  Job next{num_submitted_++, std::move(job)};
  if (threads_.empty()) {
    run(next);
    return;
  }
  {
    std::unique_lock lock(mutex_);
    room_is_free_.wait(lock, [this] { return waiting_.size() < max_waiting_; });
    waiting_.push_back(std::move(next));
  }
  job_waits_.notify_one();
}

void WorkerPool::wait() {
  std::unique_lock lock(mutex_);
  all_done_.wait(lock, [this] { return waiting_.empty() && num_running_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::discard() noexcept {
  std::deque<Job> dropped;  // destroyed without the lock: a job may own anything
  {
    std::unique_lock lock(mutex_);
    dropped.swap(waiting_);
    all_done_.wait(lock, [this] { return num_running_ == 0; });
    failure_ = nullptr;
  }
}

void WorkerPool::run_thread() {
  std::unique_lock lock(mutex_);
  for (;;) {
    job_waits_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) break;
    {
      Job job = std::move(waiting_.front());
      waiting_.pop_front();
      ++num_running_;
      lock.unlock();
      room_is_free_.notify_one();
      run(job);
    }  // the job is gone before it counts as done: what it refers to may go next
    lock.lock();
    --num_running_;
    if (waiting_.empty() && num_running_ == 0) all_done_.notify_all();
  }
  lock.unlock();
  if (at_thread_end_) at_thread_end_();
}

void WorkerPool::run(Job& job) noexcept {
  try {
    job.work();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (failure_ && first_failed_ < job.number) return;
    failure_ = std::current_exception();
    first_failed_ = job.number;
  }
}

void WorkerPool::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  job_waits_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace reckon
