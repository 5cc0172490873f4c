#include "mpi_job.h"

#include <algorithm>
#include <csignal>

#include "mpi_tags.h"
#include "reckon/base/log.h"
#include "reckon/base/stop_signal.h"

namespace reckon {
namespace {

/// Waits are short of this nearly always, and then no rank asks for notices.
constexpr double kShortWait = 1e-3;
constexpr double kLongestNoticeInterval = 10.0;

/// Bytes flow only when MPI is asked: as long as they may be what is waited for, it is asked often.
Patience patience_for(std::size_t num_bytes, double waited_s) {
  constexpr double kFastLink = 1e9, kSlowLink = 100e6;  // B/s
  Patience patience;
  patience.spin_for_s += static_cast<double>(num_bytes) / kFastLink;
  if (waited_s < static_cast<double>(num_bytes) / kSlowLink) patience.longest_pause_s = 50e-6;
  return patience;
}

int world_size() {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

}  // namespace

/// The part of a wait that is for a rank which is late: tells the others, hears them, warns, gives up.
///
/// A rank announces itself after a sixth of the timeout, or when another one has done so on the same
/// communicator; so when the first one warns or gives up, all that wait have said it, and who has not is
/// missing. It says so again after every sixth.
class MpiJob::LongWait {
 public:
  LongWait(MpiJob& job, const CollectiveWait& wait)
      : job_(job),
        wait_(wait),
        place_{wait.communicator, wait.number, wait.call, wait.activity.substr(0, kMaxActivityBytes)},
        interval_(std::min(wait.timeout_s / 6, kLongestNoticeInterval)) {}

  /// \param waited_s  since the wait began
  void attend(double waited_s) {
    const double now = job_.clock_.look();
    job_.read_notices(now);
    fresh_since_ = now - 2.5 * interval_;
    if (waited_s >= next_notice_ ||
        (!is_announced() && job_.board_.is_waited_in(place_.communicator, fresh_since_))) {
      job_.send_notice(as_notice(place_));
      next_notice_ = waited_s + interval_;
    }
    if (waited_s >= wait_.timeout_s) give_up();
    if (stop_signal() == SIGTERM && !job_.has_told_end_) tell_end(waited_s);
    if (!has_warned_ && waited_s >= wait_.timeout_s / 3) warn(waited_s);
  }

  /// The wait has ended.
  void end() {
    if (is_announced()) job_.send_notice("");
  }

 private:
  [[nodiscard]] bool is_announced() const { return next_notice_ > interval_; }
  [[nodiscard]] std::vector<std::string> missing() const {
    return job_.board_.missing(*wait_.ranks, job_.rank_, place_, fresh_since_);
  }
  [[nodiscard]] std::string what() const { return wait_.activity.empty() ? wait_.call : wait_.activity; }

  void warn(double waited_s) {
    has_warned_ = true;
    const std::vector<std::string> late = missing();
    const int first = job_.board_.first_at(*wait_.ranks, place_, fresh_since_);
    if (late.empty() || (first >= 0 && first < job_.rank_))
      return;  // the first one that waits speaks for all
    log_warning(in_words(late) + (late.size() == 1 ? " is" : " are") + " late: " + what() + " has waited " +
                in_seconds(waited_s));
  }

  /// Where a rank has died the launcher ends the others, and gives them a second to say where they were. Whom
  /// they wait for it knows: to ask would be a message to the dead rank, at which Open MPI ends this one.
  void tell_end(double waited_s) {
    constexpr double kStillWaiting = 0.3;  // s; a rank that is told to stop has done with most waits
    if (ended_at_ < 0) ended_at_ = waited_s;
    if (waited_s - ended_at_ < kStillWaiting) return;
    job_.has_told_end_ = true;
    log_warning(what() + ": SIGTERM came while this rank waited in " + wait_.call);
  }

  [[noreturn]] void give_up() {
    const std::vector<std::string> late = missing();
    const std::string start = what() + ": waited " + in_seconds(wait_.timeout_s) + " for ";
    if (!late.empty()) throw Error(ExitCode::internal, start + in_words(late));
    throw Error(ExitCode::internal,
                start + wait_.call + ", where all ranks wait (is a link between them down, or slow?)");
  }

  MpiJob& job_;
  const CollectiveWait& wait_;
  WaitPlace place_;
  double interval_;  ///< s between notices
  double next_notice_ = interval_;
  double fresh_since_ = 0.0;
  double ended_at_ = -1.0;  ///< s into the wait when SIGTERM was seen
  bool has_warned_ = false;
};

MpiJob::MpiJob(int thread_level) : thread_level_(thread_level), board_(world_size()) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiJob::~MpiJob() {
  if (under_way_.empty() && sent_.empty()) return;
  // MPI may still write to what is under way: left as it is, the process ends.
  new std::vector<std::shared_ptr<MpiOperation>>(std::move(under_way_));
  new std::vector<std::unique_ptr<SentNotice>>(std::move(sent_));
}

void MpiJob::start(std::shared_ptr<MpiOperation> operation) {
  under_way_.push_back(std::move(operation));
}

void MpiJob::advance_all() {
  std::erase_if(under_way_, [](const auto& operation) { return operation->advance(); });
}

double MpiJob::wait(const CollectiveWait& wait, MpiOperation& operation) {
  if (has_failed_) throw Error(ExitCode::internal, std::string(wait.call) + ": after a wait that failed");
  try {
    return wait_until_done(wait, operation);
  } catch (...) {
    fail();
    throw;
  }
}

double MpiJob::wait_until_done(const CollectiveWait& wait, MpiOperation& operation) {
  WaitClock clock;
  double waited = 0.0;
  std::optional<LongWait> late;
  while (!operation.advance()) {
    waited = clock.look();
    if (waited >= kShortWait) {
      advance_all();  // another rank may need what this one had under way before it can come
      if (!late) late.emplace(*this, wait);
      late->attend(waited);
    }
    pause_between_looks(waited, patience_for(operation.num_bytes(), waited));
  }
  if (late) late->end();
  std::erase_if(under_way_, [&](const auto& other) { return other.get() == &operation; });
  return waited;
}

void MpiJob::read_notices(double now_s) {
  while (true) {
    int is_there = 0, length = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kNoticeTag, MPI_COMM_WORLD, &is_there, &status);
    if (is_there == 0) return;
    MPI_Get_count(&status, MPI_BYTE, &length);
    std::string text(static_cast<std::size_t>(length), '\0');
    MPI_Recv(text.data(), length, MPI_BYTE, status.MPI_SOURCE, kNoticeTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    board_.hear(status.MPI_SOURCE, from_notice(text), now_s);
  }
}

void MpiJob::send_notice(std::string text) {
  std::erase_if(sent_, [](const auto& notice) {
    int is_done = 0;
    MPI_Testall(static_cast<int>(notice->requests.size()), notice->requests.data(), &is_done,
                MPI_STATUSES_IGNORE);
    return is_done != 0;
  });
  auto notice = std::make_unique<SentNotice>();
  notice->text = std::move(text);
  for (int to = 0; to < size_; ++to) {
    if (to == rank_) continue;
    MPI_Isend(notice->text.data(), static_cast<int>(notice->text.size()), MPI_BYTE, to, kNoticeTag,
              MPI_COMM_WORLD, &notice->requests.emplace_back(MPI_REQUEST_NULL));
  }
  sent_.push_back(std::move(notice));
}

}  // namespace reckon
