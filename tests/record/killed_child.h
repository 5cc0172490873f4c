#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>

namespace reckon::testing {

/// Starts a child that does the work and nothing else: it leaves by _exit, also where the work throws, which
/// would otherwise go on with the parent's tests. It is ended after a minute, so that a child that hangs
/// fails the test instead of stopping it. \param fail_at  RECKON_FAIL_AT; empty: no failpoint
inline pid_t start_child(const std::string& fail_at, const std::function<void()>& work) {
  const pid_t child = fork();
  EXPECT_GE(child, 0);
  if (child != 0) return child;
  alarm(60);
  if (!fail_at.empty()) setenv("RECKON_FAIL_AT", fail_at.c_str(), 1);
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    _exit(1);
  }
  _exit(0);
}

/// How a child ended that was to die at a failpoint.
enum class ChildEnd { done, killed, other };

/// The parent must not reach a failpoint itself: they are read from the environment once a process.
inline ChildEnd run_child(const std::string& fail_at, const std::function<void()>& work) {
  int status = 0;
  waitpid(start_child(fail_at, work), &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return ChildEnd::killed;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ChildEnd::done : ChildEnd::other;
}

}  // namespace reckon::testing
