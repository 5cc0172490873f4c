#include "reckon/base/stop_signal.h"

#include <csignal>
#include <initializer_list>

namespace reckon {
namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void on_stop_signal(int signal_number) {
  if (received != 0 && signal_number != SIGUSR1 && received != SIGUSR1) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
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
