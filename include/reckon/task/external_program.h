#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "reckon/base/error.h"
#include "reckon/task/config.h"

namespace reckon {

class ChildProcess;

/// The first line that a program writes must name it. Raised when requests or replies change.
inline constexpr const char* kProgramProtocol = "reckon.task/1";

/// What came of a request.
enum class ProgramOutcome {
  answered,
  timeout,  ///< it was killed, not having answered in time
  failed,   ///< it ended, or wrote something else than an answer, and was killed
};

struct ProgramReply {
  ProgramOutcome outcome = ProgramOutcome::failed;
  nlohmann::json value;  ///< where answered: an object, without its id
  std::string reason;    ///< else: what was wrong, for people
};

/// A program of the user that answers requests, one JSON object a line each (docs/own-task.md). It is started
/// when the object is made, and again after a failure, at the next request.
///
/// Whose fault a failure is, once it has answered anything: a fresh process is asked the first request again
/// that was ever answered, and must give that answer. Where it does, the program is well, and what failed is
/// the request's own matter: no number of such requests stops a run. Where it does not, that is a failed
/// start; after max_restarts of them in a row, with growing pauses between, the run stops.
///
/// Thread-safe; requests are answered one after the other. A process ends with the object, and with the
/// thread that started it.
class ExternalProgram {
 public:
  /// What is wrong with a reply, or "".
  using Check = std::function<std::string(const nlohmann::json& reply)>;

  /// Starts the program. \param where  stands before messages: `task "mine"`.
  /// \throws Error(environment) where it cannot be started; Error(bad_data) where it does not say hello.
  ExternalProgram(ProgramConfig config, const std::string& where);
  ~ExternalProgram();
  ExternalProgram(const ExternalProgram&) = delete;
  ExternalProgram& operator=(const ExternalProgram&) = delete;

  /// Its first line.
  [[nodiscard]] const nlohmann::json& hello() const { return hello_; }
  /// `task "mine": program "python3 my_task.py"`, for messages.
  [[nodiscard]] const std::string& where() const { return where_; }

  /// One request, tried once. \param request  gets an id, which the reply must repeat. \param seconds  time
  /// for it. \throws Error(bad_data) where the program does not start any more, or a fresh process answers
  /// the first request in another way.
  [[nodiscard]] ProgramReply ask(const nlohmann::ordered_json& request, double seconds, const Check& check);
  /// Ends the process; the next request gets a fresh one.
  void restart();

 private:
  struct Exchange {
    nlohmann::ordered_json request;
    double seconds = 0;
    Check check;
    nlohmann::json reply;
  };

  std::string start(ExitCode& code);
  std::string read_hello(nlohmann::json& hello);
  void start_again();
  ProgramReply exchange(const nlohmann::ordered_json& request, double seconds, const Check& check);
  ProgramReply failure(ProgramOutcome outcome, const std::string& reason);
  std::string ended(const std::string& when);
  [[nodiscard]] std::string given_up(const std::string& reason) const;

  ProgramConfig config_;
  std::string where_;
  nlohmann::json hello_;
  std::mutex mutex_;
  std::unique_ptr<ChildProcess> child_;
  std::uint64_t last_id_ = 0;
  std::int64_t failed_starts_ = 0;  ///< in a row; where nothing was ever answered, failed requests
  std::int64_t num_failures_ = 0;   ///< requests that were not answered
  std::optional<Exchange> first_;   ///< the first request that was answered
};

}  // namespace reckon
