#include "reckon/base/stop_signal.h"

#include <csignal>
#include <ctime>
#include <initializer_list>

namespace reckon {
namespace {

volatile std::sig_atomic_t received = 0;
volatile std::time_t received_at_ms = 0;

/// One Ctrl-C may arrive twice: `timeout` and launchers send it to the process and to its group.
constexpr std::time_t kSameSignalMs = 500;

std::time_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

extern "C" void on_stop_signal(int signal_number) {
  const bool is_repeated = received == signal_number && now_ms() - received_at_ms < kSameSignalMs;
  if (is_repeated) return;
  if (received != 0 && signal_number != SIGUSR1 && received != SIGUSR1) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
  received_at_ms = now_ms();
  received = signal_number;
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal_number : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal_number, &action, nullptr);
}

int stop_signal() {
  return received;
}

}  // namespace reckon
