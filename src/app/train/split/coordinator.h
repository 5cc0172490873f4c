#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "contact.h"
#include "messages.h"
#include "reckon/dist/message_port.h"
#include "reckon/rollout/ledger.h"

namespace reckon {

struct CoordinatorConfig {
  std::string stage;  ///< for messages
  std::vector<int> workers;
  std::function<std::string(int)> host;  ///< of a rank
  double timeout_s = 600;                ///< longest silence of a worker
  LedgerConfig ledger;
  LedgerState from;
};

/// A step's groups as they came.
struct AdmittedGroups {
  std::vector<std::int64_t> numbers;  ///< in order of admission
  std::vector<std::string> wires;     ///< group_wire() of each
  std::vector<std::int64_t> dropped;  ///< numbers of those that no step will have, since the last step
};

/// The first learner's side of the rollouts: hands prompts out to the workers, takes their groups and says
/// which step has which, by a ledger. A thread of its own answers the workers while the rank learns.
class RolloutCoordinator {
 public:
  RolloutCoordinator(MessagePort& port, CoordinatorConfig config);
  ~RolloutCoordinator();
  RolloutCoordinator(const RolloutCoordinator&) = delete;
  RolloutCoordinator& operator=(const RolloutCoordinator&) = delete;

  /// The weights of this step are on their way to all workers.
  void weights_published(std::int64_t step);
  /// The groups of a step, or nothing within so many seconds.
  /// \throws Error(internal) naming the worker that has not been heard of for timeout_s
  [[nodiscard]] std::optional<AdmittedGroups> wait_for_step(std::int64_t step, double seconds);
  [[nodiscard]] LedgerState state();
  /// A signal that a worker has had; 0: none.
  [[nodiscard]] int stop_asked();
  /// Tells the workers that the stage has ended, or with an exit code that the run ends, and waits until they
  /// know. \throws std::logic_error where the books do not balance; Error(internal) as wait_for_step()
  void end(std::optional<int> exit_code);

 private:
  using Clock = std::chrono::steady_clock;
  void work();
  void handle(const Message& message);
  void hand_out();
  void keep_in_touch();
  void tell(int worker, const RolloutMessage& message);
  [[nodiscard]] std::string silent_text(int worker) const;

  MessagePort& port_;
  CoordinatorConfig config_;
  std::int64_t chunk_ = 1;  // groups of one issue
  std::mutex mutex_;        // of all below
  std::condition_variable changed_;
  RolloutLedger ledger_;
  std::map<std::int64_t, std::string> wires_;  // of complete groups
  std::map<int, std::int64_t> wants_;
  std::map<int, Contact> contacts_;  // with the workers
  std::exception_ptr failure_;
  std::int64_t published_ = 0;
  int signal_ = 0;
  std::size_t num_ended_ = 0;  // workers that know
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace reckon
