#include "reckon/base/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "reckon/base/error.h"
#include "support/paths.h"
#include "support/processes.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> shell(const std::string& script) {
  return {"sh", "-c", script};
}

std::string start_error(const std::vector<std::string>& command) {
  try {
    const ChildProcess child(command, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    return error.what();
  }
  return "no error";
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(ChildProcess, SpeaksLines) {
  ChildProcess child({"cat"}, {});
  for (const std::string& line : {std::string("hello"), std::string(200'000, 'x'), std::string("ä\t\"")}) {
    const ChildLine reply = child.exchange(line, 10);
    ASSERT_EQ(reply.status, ChildStatus::line);
    EXPECT_EQ(reply.text, line);
  }
  EXPECT_FALSE(child.has_unread_output());
}

TEST(ChildProcess, KeepsLinesThatCameTogether) {
  ChildProcess child(shell("printf 'one\\ntwo\\nthr'; sleep 0.1; printf 'ee\\n'; sleep 1000"), {});
  EXPECT_EQ(child.exchange("", 10).text, "one");
  EXPECT_TRUE(child.has_unread_output());
  EXPECT_EQ(child.exchange("", 10).text, "two");
  EXPECT_EQ(child.exchange("", 10).text, "three");
}

TEST(ChildProcess, GivesTheProgramItsArgumentsWithoutAShell) {
  ChildProcess child({"printf", "%s|", "a b", "$HOME", "'", "\n"}, {});
  EXPECT_EQ(child.exchange("", 10).text, "a b|$HOME|'|");
}

TEST(ChildProcess, SaysWhyItCannotStart) {
  EXPECT_EQ(start_error({}), "cannot be started: the command is empty (need a program)");
  EXPECT_EQ(start_error({"no-such-program"}), "cannot be started: no program \"no-such-program\" in PATH");
  EXPECT_EQ(start_error({"/nowhere/x"}), "cannot be started: \"/nowhere/x\": No such file or directory");
  EXPECT_EQ(start_error({"/tmp"}), "cannot be started: \"/tmp\": Permission denied");
  const testing::TempDir folder;
  const auto script = folder.path() / "script";
  testing::write_text(script, "not a program\n");
  EXPECT_EQ(start_error({script}),
            "cannot be started: " + in_quotes(script.string()) + ": Permission denied");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_EQ(start_error({script}),
            "cannot be started: " + in_quotes(script.string()) + ": Exec format error");
}

TEST(ChildProcess, TellsHowItEnded) {
  ChildProcess code(shell("echo first >&2; echo 'the reason' >&2; echo >&2; exit 3"), {.name = "p"});
  EXPECT_EQ(code.exchange("question", 10).status, ChildStatus::ended);
  EXPECT_EQ(code.end_text(), "ended with code 3");
  EXPECT_EQ(code.last_words(), "the reason");
  ChildProcess killed(shell("kill -SEGV $$"), {});
  EXPECT_EQ(killed.exchange("", 10).status, ChildStatus::ended);
  EXPECT_EQ(killed.end_text(), "was killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(killed.last_words(), "");
  ChildProcess partial(shell("printf 'no end'; printf 'nor here' >&2"), {.name = "p"});
  EXPECT_EQ(partial.exchange("", 10).status, ChildStatus::ended);
  EXPECT_EQ(partial.end_text(), "ended with code 0");
  EXPECT_EQ(partial.last_words(), "nor here");
}

TEST(ChildProcess, OutlivesAProgramThatClosesItsStreams) {  // no SIGPIPE, and no wait for the time-out
  ChildProcess output(shell("exec >&-; sleep 1000"), {});
  EXPECT_EQ(output.exchange("question", 10).status, ChildStatus::ended);
  EXPECT_EQ(output.end_text(), "closed its standard output");
  ChildProcess input(shell("exec <&-; echo ready; exec sleep 1000"), {});
  EXPECT_EQ(input.exchange("", 10).text, "ready");
  EXPECT_EQ(input.exchange("question", 10).status, ChildStatus::ended);
  EXPECT_EQ(input.end_text(), "closed its standard input");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(ChildProcess, DoesNotWaitLongerThanItMay) {
  ChildProcess silent({"sleep", "1000"}, {});
  const double seconds = seconds_of([&] {  // more than a pipe holds, to one that never reads
    EXPECT_EQ(silent.exchange(std::string(1'000'000, 'x'), 0.3).status, ChildStatus::timeout);
  });
  EXPECT_GE(seconds, 0.3);
  EXPECT_LT(seconds, 5);
}

TEST(ChildProcess, RefusesALineWithoutAnEnd) {
  ChildProcess child(shell("yes | tr -d '\\n'"), {.name = "p", .max_line_bytes = 1'000'000});
  EXPECT_EQ(child.exchange("", 20).status, ChildStatus::too_long);
  ChildProcess exact(shell("printf '12345\\n123456\\n'"), {.name = "p", .max_line_bytes = 5});
  EXPECT_EQ(exact.exchange("", 10).text, "12345");
  EXPECT_EQ(exact.exchange("", 10).status, ChildStatus::too_long);
}

TEST(ChildProcess, KillsTheWholeGroup) {
  const testing::TempDir folder;
  const std::string mark = folder.path().filename();
  const std::string script =
      "(sh -c 'sleep 1000; : " + mark + "' &) ; trap '' TERM INT HUP; echo ready; sleep 1000";
  auto child = std::make_unique<ChildProcess>(shell(script), ChildOptions{});
  EXPECT_EQ(child->exchange("", 10).text, "ready");
  EXPECT_GE(testing::num_processes_with(mark), 2);
  child->kill();
  EXPECT_TRUE(testing::all_gone(mark));
  child = std::make_unique<ChildProcess>(shell(script), ChildOptions{});
  EXPECT_EQ(child->exchange("", 10).text, "ready");
  EXPECT_LT(seconds_of([&] { child.reset(); }), 5);
  EXPECT_TRUE(testing::all_gone(mark));
}

TEST(ChildProcess, LetsAProgramEndByItself) {
  const testing::TempDir folder;
  const auto file = folder.path() / "farewell";
  {
    ChildProcess child(shell("while read line; do echo $line; done; echo bye > " + file.string()), {});
    EXPECT_EQ(child.exchange("hello", 10).text, "hello");
  }
  EXPECT_EQ(testing::read_text(file), "bye\n");
}

TEST(ChildProcess, EndsWhenWeAreKilled) {
  const testing::TempDir folder;
  const std::string mark = folder.path().filename();
  const pid_t us = fork();
  if (us == 0) {
    ChildProcess child({"python3", "-c", "import time; print('ready', flush=True); time.sleep(1000)", mark},
                       {});
    (void)child.exchange("", 10);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(us, &status, 0), us);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(testing::all_gone(mark));
}

TEST(ChildProcess, LimitsMemory) {
  const std::string script =
      "import sys; print('ready', flush=True); x = bytearray(300 << 20); print('had it')";
  ChildProcess small({"python3", "-c", script}, {.name = "p", .memory_mb = 100});
  EXPECT_EQ(small.exchange("", 10).text, "ready");
  EXPECT_EQ(small.exchange("", 10).status, ChildStatus::ended);
  EXPECT_EQ(small.end_text(), "ended with code 1");
  EXPECT_EQ(small.last_words(), "MemoryError");
  ChildProcess large({"python3", "-c", script}, {.name = "p", .memory_mb = 1000});
  EXPECT_EQ(large.exchange("", 10).text, "ready");
  EXPECT_EQ(large.exchange("", 10).text, "had it");
}

TEST(ChildProcess, BoundsWhatItPassesOnOfStandardError) {
  ::testing::internal::CaptureStderr();
  {
    ChildProcess child(
        shell("for i in $(seq 20000); do echo \"line $i\"; done >&2; head -c 100000 /dev/zero | "
              "tr '\\0' x >&2; printf '\\033[2Jlast' >&2; echo done"),
        {.name = "task \"p\""});
    EXPECT_EQ(child.exchange("", 20).text, "done");
    EXPECT_FALSE(child.last_words().empty());
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 101);
  EXPECT_THAT(log, HasSubstr("task \"p\": line 1\ntask \"p\": line 2\n"));
  EXPECT_THAT(
      log, HasSubstr("line 100\nwarning: task \"p\": more than 100 lines of standard error; the rest is not "
                     "shown\n"));
  EXPECT_EQ(log.find('\033'), std::string::npos);
  ::testing::internal::CaptureStderr();
  {
    ChildProcess child(
        shell("head -c 3000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'a\tb\033[2J' >&2; echo done"),
        {.name = "p"});
    (void)child.exchange("", 20);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "p: " + std::string(500, 'x') + "\np: a b [2J\n");
}

TEST(ChildProcess, InheritsNothingButItsStreams) {
  const int open_file = open("/dev/null", O_RDONLY);  // not closed on exec
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto handler = signal(SIGPIPE, SIG_IGN);
  ChildProcess child({"python3", "-c",
                      "import os; print(sorted(os.listdir('/proc/self/fd'))); "
                      "print(os.getsid(0) == os.getpid() == os.getpgrp(), "
                      "[l.split()[1] for l in open('/proc/self/status') if l[:6] in ('SigBlk', 'SigIgn')])"},
                     {});
  signal(SIGPIPE, handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(open_file);
  EXPECT_EQ(child.exchange("", 10).text, "['0', '1', '2', '3']");  // 3 is the folder being listed
  // Python itself ignores SIGPIPE (13) and SIGXFSZ (25).
  EXPECT_EQ(child.exchange("", 10).text, "True ['0000000000000000', '0000000001001000']");
}

}  // namespace
}  // namespace reckon
