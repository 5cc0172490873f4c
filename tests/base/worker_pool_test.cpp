#include "reckon/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>

namespace reckon {
namespace {

using std::chrono::milliseconds;

/// A gate that holds jobs until it is opened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

std::string message_of(WorkerPool& pool) {
  try {
    pool.wait();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

class WorkerPoolOf : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Threads, WorkerPoolOf, ::testing::Values(0, 1, 2, 7));

TEST_P(WorkerPoolOf, RunsEveryJobOnceUnderLoad) {
  WorkerPool pool(GetParam(), 3);  // a queue much shorter than the work
  EXPECT_EQ(pool.num_threads(), GetParam());
  std::vector<int> runs(20'000);
  for (int round = 1; round <= 3; ++round) {
    for (int& count : runs) pool.submit([&count] { ++count; });
    pool.wait();
    EXPECT_EQ(std::set<int>(runs.begin(), runs.end()), std::set<int>{round});
  }
}

TEST_P(WorkerPoolOf, CarriesTheExceptionOfTheFirstSubmittedJobToTheWaiter) {
  WorkerPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    for (int i = 0; i < 100; ++i) {
      pool.submit([i, &done] {
        if (i % 10 == 7) {
          // The first to be submitted is the last to throw.
          if (i == 7) std::this_thread::sleep_for(milliseconds(2));
          throw std::runtime_error("job " + std::to_string(i));
        }
        ++done;
      });
    }
    EXPECT_EQ(message_of(pool), "job 7");
    EXPECT_EQ(done, 90);              // the others ran all the same
    EXPECT_EQ(message_of(pool), "");  // told once
  }
}

TEST_P(WorkerPoolOf, AJobIsGoneWhenWaitReturns) {
  WorkerPool pool(GetParam());
  auto owned = std::make_shared<int>(0);
  for (int i = 0; i < 50; ++i)
    pool.submit([owned] { std::this_thread::sleep_for(std::chrono::microseconds(50)); });
  pool.wait();
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(WorkerPool, RunsJobsAtTheSameTimeOnOtherThreads) {
  WorkerPool pool(2);
  Gate first;
  Gate second;
  std::set<std::thread::id> threads;
  std::mutex mutex;
  const auto note = [&] {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  };
  // Each waits for the other: one thread could not end this.
  pool.submit([&] { note(), first.open(), second.pass(); });
  pool.submit([&] { note(), second.open(), first.pass(); });
  pool.wait();
  EXPECT_EQ(threads.size(), 2u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(WorkerPool, SubmitBlocksWhileTheQueueIsFull) {
  WorkerPool pool(1, 2);
  Gate gate;
  std::atomic<int> accepted = 0;
  // The owner of the pool is this second thread; the test looks at how far it comes.
  std::thread owner([&] {
    for (int i = 0; i < 5; ++i) {
      pool.submit([&] { gate.pass(); });
      ++accepted;
    }
    pool.wait();
  });
  for (int i = 0; i < 20'000 && accepted < 3; ++i) std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(accepted, 3);  // one runs, two wait
  gate.open();
  owner.join();
  EXPECT_EQ(accepted, 5);
}

TEST(WorkerPool, DiscardDropsWhatHasNotBegunAndForgetsFailures) {
  WorkerPool pool(1);
  Gate begun;
  Gate gate;
  std::atomic<int> ran = 0;
  pool.submit([] { throw std::runtime_error("lost"); });
  pool.submit([&] { begun.open(), gate.pass(), ++ran; });
  for (int i = 0; i < 10; ++i) pool.submit([&] { ++ran; });
  begun.pass();
  std::thread opener([&] {
    std::this_thread::sleep_for(milliseconds(20));
    gate.open();
  });
  pool.discard();
  EXPECT_EQ(ran, 1);  // it waited for the one that ran
  opener.join();
  EXPECT_EQ(message_of(pool), "");
  pool.submit([&] { ++ran; });
  pool.wait();
  EXPECT_EQ(ran, 2);
}

TEST(WorkerPool, EndsWithJobsInTheQueueAndTellsEachThread) {
  std::atomic<int> ended = 0;
  std::atomic<int> ran = 0;
  {
    WorkerPool pool(3, 5000, [&] { ++ended; });
    for (int i = 0; i < 5000; ++i) {  // 8 s of work, of which next to nothing is done
      pool.submit([&] {
        std::this_thread::sleep_for(milliseconds(5));
        ++ran;
      });
    }
  }
  EXPECT_EQ(ended, 3);
  EXPECT_LT(ran, 5000);
}

TEST(WorkerPool, RefusesAQueueOfNoPlaces) {
  try {
    WorkerPool pool(1, 0);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "WorkerPool: max_waiting is 0 (need at least 1)");
  }
}

}  // namespace
}  // namespace reckon
