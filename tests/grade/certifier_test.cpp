#include "reckon/grade/certifier.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "expr_builder.h"
#include "grade/certify/certifier.h"
#include "support/paths.h"

namespace reckon {

void PrintTo(Equality equality, std::ostream* out) {
  constexpr const char* kNames[] = {"equal", "different", "undecided", "refused", "timeout"};
  *out << kNames[static_cast<int>(equality)];
}

namespace {

using namespace testing;  // NOLINT: the words of expr_builder.h
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Expr sin_degrees(std::int64_t x) {
  return fn(Op::sin, pi() * n(x) / 180);
}

/// The product of sines of odd degrees: Calcium does not finish it in 20 s (grading.md, section 2.4).
Expr endless() {
  Expr product = node(Op::multiply);
  for (std::int64_t degree = 1; degree < 89; degree += 2) product.args.push_back(sin_degrees(degree));
  return product;
}

struct Process {
  char state = ' ';
  pid_t parent = 0;
  std::vector<std::string> fields;  ///< of /proc/<pid>/stat, behind the name
};

std::optional<Process> process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  Process result;
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  for (std::string field; rest >> field;) result.fields.push_back(field);
  result.state = result.fields.at(0)[0];
  result.parent = static_cast<pid_t>(std::stol(result.fields.at(1)));
  return result;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  DIR* folder = opendir("/proc");
  while (const dirent* entry = readdir(folder)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    const auto info = process(pid);
    if (info && info->parent == parent) found.push_back(pid);
  }
  closedir(folder);
  return found;
}

bool is_running(pid_t pid) {
  const auto info = process(pid);
  return info && info->state != 'Z' && info->state != 'X';
}

/// Waits for what comes soon; the bound is generous, for slow machines.
bool comes_true(const std::function<bool()>& condition) {
  const auto end = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return condition();
}

class Certifier : public ::testing::Test {
 protected:
  void TearDown() override {
    stop_certifiers();
    EXPECT_TRUE(children_of(getpid()).empty()) << "a process is left, running or not reaped";
  }
  static pid_t zygote() { return children_of(getpid()).at(0); }
  static std::vector<pid_t> workers() { return children_of(zygote()); }

  static void expect_works() {
    EXPECT_EQ(certify_equal(sqrt(sqrt(5) + 2) * sqrt(sqrt(5) - 2), n(1)), Equality::equal);
    EXPECT_EQ(certify_equal(sqrt(2), n(1)), Equality::different);
  }
};

TEST_F(Certifier, ProvesIdentities) {
  start_certifiers(1);
  const Expr third = n(1) / 3;
  const std::vector<std::pair<Expr, Expr>> equal{
      {sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)},
      {pow(2 + sqrt(5), third) - pow(sqrt(5) - 2, third), n(1)},
      {fn(Op::sin, pi() / 10), (sqrt(5) - 1) / 4},
      {sin_degrees(18) * fn(Op::cos, pi() / 5), n(1) / 4},
      {fn(Op::ln, n(6)), fn(Op::ln, n(2)) + fn(Op::ln, n(3))},
      {fn(Op::exp, imag() * pi()), n(-1)},
      {fn(Op::arctan, n(1) / 2) + fn(Op::arctan, n(1) / 3), pi() / 4},
      {fn(Op::absolute, 3 + 4 * imag()), n(5)},
      {pow(euler(), 2), fn(Op::exp, n(2))},
  };
  for (const auto& [a, b] : equal) EXPECT_EQ(certify_equal(a, b), Equality::equal);
  for (const auto& [a, b] : equal) EXPECT_EQ(certify_equal(a, b + lit("1", -60)), Equality::different);
  EXPECT_EQ(certify_equal(n(1) / n(0), n(1) / n(0)), Equality::undecided);
  EXPECT_EQ(certify_equal(v("x"), v("x")), Equality::undecided);
  EXPECT_EQ(certify_equal(pi() + fn(Op::exp, n(1)), lit("5.859874482048838473822930854632")),
            Equality::different);
}

TEST_F(Certifier, NumberOfWorkersIsChecked) {
  for (const int count : {0, -1, 65}) {
    try {
      start_certifiers(count);
      FAIL() << count;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()),
                "start_certifiers: " + std::to_string(count) + " workers (need 1 to 64)");
    }
  }
}

TEST_F(Certifier, StartsByItselfOnFirstUse) {
  expect_works();
  EXPECT_EQ(children_of(getpid()).size(), 1u);
}

TEST_F(Certifier, HangingRequestTimesOutAndTheNextOneIsAnswered) {
  start_certifiers(1);
  expect_works();
  const pid_t before = workers().at(0);
  const auto stats = certifier_stats();
  const auto start = steady_clock::now();
  EXPECT_EQ(certify_equal(endless(), n(1)), Equality::timeout);
  EXPECT_GE(steady_clock::now() - start, milliseconds(199));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(certifier_stats().timeouts, stats.timeouts + 1);
  EXPECT_EQ(certifier_stats().deaths, stats.deaths);
  EXPECT_FALSE(process(before)) << "the hanging worker was not ended and reaped";
  expect_works();
  EXPECT_EQ(workers().size(), 1u);
}

TEST_F(Certifier, WorkerThatIsKilledDuringARequestIsReplaced) {
  start_certifiers(1);
  expect_works();
  const pid_t worker = workers().at(0);
  const auto stats = certifier_stats();
  std::thread killer([worker] {
    comes_true([worker] { return process(worker)->state == 'R'; });  // at work on the request
    kill(worker, SIGKILL);
  });
  EXPECT_EQ(certify_equal(endless(), n(1)), Equality::undecided);
  killer.join();
  EXPECT_EQ(certifier_stats().deaths, stats.deaths + 1);
  EXPECT_EQ(certifier_stats().requests, stats.requests + 1);
  expect_works();
}

TEST_F(Certifier, WorkerThatIsKilledBetweenRequestsIsReplaced) {
  start_certifiers(1);
  expect_works();
  const pid_t worker = workers().at(0);
  kill(worker, SIGKILL);
  ASSERT_TRUE(comes_true([worker] { return !is_running(worker); }));
  const auto stats = certifier_stats();
  expect_works();
  EXPECT_EQ(certifier_stats().deaths, stats.deaths);  // of requests
}

TEST_F(Certifier, MemoryOfAWorkerIsLimited) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "no limit under AddressSanitizer";
#else
  start_certifiers(1);
  expect_works();
  rlimit data{};
  ASSERT_EQ(prlimit(workers().at(0), RLIMIT_DATA, nullptr, &data), 0);
  EXPECT_GE(data.rlim_cur, rlim_t{512} << 20);
  EXPECT_LE(data.rlim_cur, rlim_t{1024} << 20);
  EXPECT_EQ(data.rlim_max, data.rlim_cur);
  // No request is known that needs so much within 200 ms: with 1 MB, one of 3 MB is too much.
  const rlimit low{rlim_t{1} << 20, rlim_t{1} << 20};
  ASSERT_EQ(prlimit(workers().at(0), RLIMIT_DATA, &low, nullptr), 0);
  const auto stats = certifier_stats();
  EXPECT_EQ(certify_equal(pow(pow(lit(std::string(15'000, '7')), 20), 20), n(1)), Equality::undecided);
  EXPECT_EQ(certifier_stats().deaths, stats.deaths + 1);
  expect_works();
#endif
}

TEST_F(Certifier, WorkerHasLimitsAndNoHandlers) {
  start_certifiers(1);
  expect_works();
  const pid_t worker = workers().at(0);
  rlimit limit{};
  ASSERT_EQ(prlimit(worker, RLIMIT_CORE, nullptr, &limit), 0);
  EXPECT_EQ(limit.rlim_max, 0u);
  ASSERT_EQ(prlimit(worker, RLIMIT_CPU, nullptr, &limit), 0);
  EXPECT_GE(limit.rlim_cur, 2u);
  EXPECT_LE(limit.rlim_cur, 4u);
  std::ifstream status("/proc/" + std::to_string(worker) + "/status");
  int num_lines = 0;
  for (std::string line; std::getline(status, line);) {
#ifndef __SANITIZE_ADDRESS__  // which has its own
    if (line.starts_with("SigCgt:") || line.starts_with("SigBlk:")) {
      EXPECT_EQ(line.substr(16), "00000000") << line;  // signals 1 to 32; the C library keeps 33 for itself
      ++num_lines;
    }
#else
    num_lines = 2;
#endif
  }
  EXPECT_EQ(num_lines, 2);
}

TEST_F(Certifier, MoreThanAMessageHoldsIsUndecided) {
  EXPECT_EQ(certify_equal(lit(std::string(70'000, '7')), n(1)), Equality::undecided);
}

TEST_F(Certifier, ThreadsShareWorkersAndOnesDeathIsNotAnothers) {
  start_certifiers(2);
  std::atomic<int> num_wrong = 0;
  std::atomic<int> num_timeouts = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (t == 0 && i % 10 == 5) {
          if (certify_equal(endless(), n(1)) != Equality::timeout) ++num_wrong;
          continue;
        }
        // Each thread has its own equation, so that a reply to another would be seen.
        const bool is_equal = (t + i) % 2 == 0;
        const Expr a = sqrt(n(1 + (t + 2) * (t + 2)) + (2 * (t + 2)) * n(1));
        const Equality answer = certify_equal(a, is_equal ? n(t + 3) : n(t + 4));
        if (answer == Equality::timeout) {
          ++num_timeouts;  // a slow machine, or both workers busy
        } else if (answer != (is_equal ? Equality::equal : Equality::different)) {
          ++num_wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_wrong, 0);
  EXPECT_LT(num_timeouts, 20);
  EXPECT_LE(workers().size(), 2u);
}

TEST_F(Certifier, WorkerHoldsNoneOfOurFiles) {
  start_certifiers(1);
  expect_works();
  const std::string folder = "/proc/" + std::to_string(workers().at(0)) + "/fd";
  std::vector<std::string> names;
  DIR* entries = opendir(folder.c_str());
  ASSERT_NE(entries, nullptr);
  while (const dirent* entry = readdir(entries)) {
    if (entry->d_name[0] == '.') continue;
    char target[256] = {};
    ASSERT_GT(readlink((folder + "/" + entry->d_name).c_str(), target, sizeof target - 1), 0);
    names.emplace_back(std::string(entry->d_name) + " " + std::string(target).substr(0, 9));
  }
  closedir(entries);
  std::sort(names.begin(), names.end());
  ASSERT_EQ(names.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(names[static_cast<std::size_t>(i)], std::to_string(i) + " /dev/null");
  EXPECT_TRUE(names[3].starts_with("3 socket:"));
}

TEST_F(Certifier, NothingSurvivesTheProcessThatStartedIt) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans become ours: none can hide
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    start_certifiers(1);
    bool is_written = certify_equal(sqrt(2), n(1)) == Equality::different;
    const pid_t zygote_pid = children_of(getpid()).at(0);
    const pid_t pids[2] = {zygote_pid, children_of(zygote_pid).at(0)};
    is_written = is_written && write(report[1], pids, sizeof pids) == sizeof pids;
    is_written = is_written && certify_equal(endless(), n(1)) == Equality::equal;  // killed meanwhile
    while (!is_written) pause();
    _exit(1);
  }
  pid_t pids[2] = {0, 0};
  ASSERT_EQ(read(report[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
  EXPECT_TRUE(is_running(pids[0]));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(comes_true([&] { return !is_running(pids[0]) && !is_running(pids[1]); }));
  close(report[0]);
  close(report[1]);
  while (waitpid(-1, nullptr, WNOHANG) > 0 || !children_of(getpid()).empty()) {
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(Certifier, ACopyOfTheProcessUsesItsOwn) {
  start_certifiers(1);
  expect_works();
  const pid_t copy = fork();
  if (copy == 0) {
    const bool works = certify_equal(sqrt(4), n(2)) == Equality::equal && children_of(getpid()).size() == 1;
    stop_certifiers();
    _exit(works ? 0 : 1);
  }
  int status = 0;
  waitpid(copy, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  expect_works();  // ours are as they were
}

TEST_F(Certifier, LostZygoteLeavesRequestsUndecided) {
  start_certifiers(1);
  expect_works();
  const pid_t lost = zygote();
  kill(lost, SIGKILL);
  ASSERT_TRUE(comes_true([lost] { return !is_running(lost); }));
  ASSERT_TRUE(comes_true([] { return certify_equal(n(1), n(1)) == Equality::undecided; }));
  EXPECT_EQ(certify_equal(n(1), n(1)), Equality::undecided);
}

}  // namespace
}  // namespace reckon
