// A job of four ranks of which one fails to come: late_ranks CASE RANK, under mpirun.
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "reckon/base/log.h"
#include "reckon/base/stop_signal.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/message_port.h"

namespace reckon {
namespace {

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// A process that stops this one after a while, and ends with it.
void stop_me_after(double seconds) {
  const pid_t parent = getpid();
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sleep_for(seconds);
  kill(parent, SIGSTOP);
  _exit(0);
}

/// Every rank but the chosen one makes the calls; that one does what the case is about.
using Case = void (*)(Communicator& world, bool is_chosen);

void stopped(Communicator& world, bool is_chosen) {
  if (is_chosen) std::raise(SIGSTOP);
  world.barrier();
}

/// As where the launcher ends all ranks, because one has died.
void told_to_end(Communicator& world, bool is_chosen) {
  if (is_chosen) std::raise(SIGSTOP);
  install_stop_signals();
  std::raise(SIGTERM);
  world.barrier();
}

/// Stopped when it already waits in the call, for the next rank.
void stopped_in_wait(Communicator& world, bool is_chosen) {
  if (is_chosen) stop_me_after(0.2);
  std::vector<double> is_next(static_cast<std::size_t>(world.size()));
  is_next[static_cast<std::size_t>((world.rank() + 1) % world.size())] = is_chosen ? 1 : 0;
  world.sum(is_next);
  if (is_next[static_cast<std::size_t>(world.rank())] != 0) sleep_for(0.5);
  world.sum(is_next);
  world.barrier();
}

void asleep(Communicator& world, bool is_chosen) {
  if (is_chosen) sleep_for(30);
  (void)world.all_gather("part");
}

/// In a collective of another communicator, which nobody else has come to.
void elsewhere(Communicator& world, bool is_chosen) {
  const auto same_ranks = world.split(0);
  if (is_chosen) {
    world.set_activity("eval: scores");
    same_ranks->barrier();
  }
  (void)world.all_gather("part");
}

void in_another_call(Communicator& world, bool is_chosen) {
  if (is_chosen) {
    world.barrier();
  } else {
    (void)world.all_gather("part");
  }
  world.barrier();
}

void late(Communicator& world, bool is_chosen) {
  if (is_chosen) sleep_for(1.8);
  world.barrier();
}

/// The whole job is stopped and continued, longer than the timeout.
void suspended(Communicator& world, bool) {
  std::printf("pid %d.\n", static_cast<int>(getpid()));
  std::fflush(stdout);
  for (int i = 0; i < 200; ++i) {
    sleep_for(0.01);
    world.barrier();
  }
}

/// Does not take its messages: the port of a sender ends with the error, without the others.
void takes_no_messages(Communicator& world, bool is_chosen) {
  const auto port = make_message_port(world);
  if (is_chosen) std::raise(SIGSTOP);
  for (int to = 0; to < world.size(); ++to) port->send(to, Channel::groups, std::string(100000, 'x'));
  for (int from = 0; from < world.size() - 1; ++from) (void)port->wait(Channel::groups, "the others", 30.0);
  port->flush();
}

/// A collective fails while messages are on their way.
void stopped_with_a_port(Communicator& world, bool is_chosen) {
  const auto port = make_message_port(world);
  if (is_chosen) std::raise(SIGSTOP);
  for (int to = 0; to < world.size(); ++to) port->send(to, Channel::groups, std::string(100000, 'x'));
  world.barrier();
}

/// CPU time of this process. s
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Waits 5 s for the chosen rank, without and with a port.
void waiting(Communicator& world, bool is_chosen) {
  world.set_timeout(60.0);
  std::unique_ptr<MessagePort> port;
  for (const char* with : {"without", "with"}) {
    if (with == std::string("with")) port = make_message_port(world);
    world.barrier();
    const double before = cpu_seconds();
    if (is_chosen) sleep_for(5.0);
    world.barrier();
    const double used = cpu_seconds() - before;
    std::printf("%s a port, rank %d used %.1f %% of a core\n", with, world.rank(), used / 5.0 * 100.0);
    std::fflush(stdout);
  }
}

/// Ends the job where the launcher cannot.
void launcher_stopped(Communicator& world, bool is_chosen) {
  world.barrier();
  if (is_chosen) {
    kill(getppid(), SIGSTOP);
    world.abort(70);
  }
  world.barrier();
}

const std::map<std::string, Case> kCases{{"stopped", stopped},
                                         {"stopped_in_wait", stopped_in_wait},
                                         {"told_to_end", told_to_end},
                                         {"asleep", asleep},
                                         {"elsewhere", elsewhere},
                                         {"late", late},
                                         {"in_another_call", in_another_call},
                                         {"suspended", suspended},
                                         {"takes_no_messages", takes_no_messages},
                                         {"stopped_with_a_port", stopped_with_a_port},
                                         {"waiting", waiting},
                                         {"launcher_stopped", launcher_stopped}};

void run(Communicator& world, const std::string& name, int chosen) {
  world.set_timeout(name == "late" ? 3.0 : 1.5);
  world.set_activity("rl-1 step 12, gradients");
  try {
    kCases.at(name)(world, world.rank() == chosen);
    if (name != "late" && name != "suspended") return;
    if (world.rank() == 0) log_info("the end");
  } catch (const Error& error) {
    log_error(error.what());
    world.abort(static_cast<int>(error.code()));
  }
}

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    reckon::MpiSession session(&argc, &argv);
    reckon::run(session.world(), argv[1], std::stoi(argv[2]));
  } catch (const reckon::Error& error) {
    reckon::log_error(error.what());
    return static_cast<int>(error.code());
  }
}
