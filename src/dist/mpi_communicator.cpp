#include "mpi_communicator.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "launcher_end.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

/// A collective that is one of MPI's.
class SingleRequest final : public MpiOperation {
 public:
  explicit SingleRequest(const char* call, std::size_t num_bytes = 0) : call_(call), num_bytes_(num_bytes) {}
  [[nodiscard]] MPI_Request* request() { return &request_; }
  [[nodiscard]] std::size_t num_bytes() const override { return num_bytes_; }
  bool advance() override {
    int is_done = 0;
    check_mpi(MPI_Test(&request_, &is_done, MPI_STATUS_IGNORE), call_);
    return is_done != 0;
  }

 private:
  const char* call_;
  std::size_t num_bytes_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

/// Another number for every communicator of a job, the same on its ranks (SplitMix64's finalizer).
std::uint64_t id_of_part(std::uint64_t parent, std::uint64_t split_number, int color) {
  std::uint64_t x = parent * 0x9e3779b97f4a7c15ULL + split_number * 0xd1342543de82ef95ULL +
                    static_cast<std::uint64_t>(color) + 1;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr unsigned kAbortSeconds = 5;
constexpr unsigned kLauncherSeconds = 15;
volatile std::sig_atomic_t abort_code = 0;

void end_at_once(int) {
  _exit(static_cast<int>(abort_code));
}

}  // namespace

class MpiCommunicator::Exchange final : public PendingExchange {
 public:
  Exchange(MpiCommunicator& owner, std::vector<std::string> parts)
      : owner_(owner), number_(owner.num_started_++) {
    transfer_ = std::make_shared<PartTransfer>(
        PartTransfer::Call{owner.comm_, TransferPattern::all_to_all, 0, number_}, std::move(parts));
    owner.job_->start(transfer_);
  }
  bool is_done() override { return transfer_->advance(); }
  std::vector<std::string> wait() override {
    return owner_.finish(*transfer_, "all_to_all", number_, transfer_->take_own());
  }

 private:
  MpiCommunicator& owner_;
  std::uint64_t number_;
  std::shared_ptr<PartTransfer> transfer_;
};

MpiCommunicator::MpiCommunicator(std::shared_ptr<MpiJob> job)
    : comm_(MPI_COMM_WORLD), id_(0), job_(std::move(job)) {
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  ranks_.resize(static_cast<std::size_t>(size_));
  std::iota(ranks_.begin(), ranks_.end(), 0);
  job_->board().set_hosts(all_gather(host_name()));
}

MpiCommunicator::MpiCommunicator(MPI_Comm comm, std::uint64_t id, std::shared_ptr<MpiJob> job,
                                 std::shared_ptr<State> state)
    : Communicator(std::move(state)), comm_(comm), id_(id), job_(std::move(job)) {
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  MPI_Group here, all;
  MPI_Comm_group(comm_, &here);
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  std::vector<int> numbers(static_cast<std::size_t>(size_));
  std::iota(numbers.begin(), numbers.end(), 0);
  ranks_.resize(numbers.size());
  MPI_Group_translate_ranks(here, size_, numbers.data(), all, ranks_.data());
  MPI_Group_free(&here);
  MPI_Group_free(&all);
}

MpiCommunicator::~MpiCommunicator() {
  if (comm_ != MPI_COMM_WORLD && !job_->has_failed()) MPI_Comm_free(&comm_);
}

void MpiCommunicator::wait(MpiOperation& operation, const char* call, std::uint64_t number) {
  state()->waited_s +=
      job_->wait({id_, number, call, &ranks_, state()->activity, state()->timeout_s}, operation);
}

std::vector<std::string> MpiCommunicator::finish(PartTransfer& transfer, const char* call,
                                                 std::uint64_t number, std::string mine) {
  wait(transfer, call, number);
  if (transfer.stranger() >= 0) {
    throw Error(ExitCode::internal, (state()->activity.empty() ? "" : state()->activity + ": ") + call +
                                        ": got another collective's part from " + name(transfer.stranger()) +
                                        " (need the same calls in the same order on all ranks)");
  }
  std::vector<std::string> parts = transfer.take();
  parts[static_cast<std::size_t>(rank_)] = std::move(mine);
  return parts;
}

std::vector<std::string> MpiCommunicator::all_gather(std::string_view bytes) {
  const std::uint64_t number = num_started_++;
  const auto transfer = std::make_shared<PartTransfer>(
      PartTransfer::Call{comm_, TransferPattern::all_gather, 0, number}, std::vector{bytes});
  job_->start(transfer);
  return finish(*transfer, "all_gather", number, std::string(bytes));
}

std::vector<std::string> MpiCommunicator::gather(std::string_view bytes, int root) {
  const std::uint64_t number = num_started_++;
  const auto transfer = std::make_shared<PartTransfer>(
      PartTransfer::Call{comm_, TransferPattern::gather, root, number}, std::vector{bytes});
  job_->start(transfer);
  std::vector<std::string> parts =
      finish(*transfer, "gather", number, rank_ == root ? std::string(bytes) : std::string());
  return rank_ == root ? parts : std::vector<std::string>();
}

void MpiCommunicator::broadcast(std::span<std::byte> bytes, int root) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ExitCode::internal,
                "Communicator: a message of " + std::to_string(bytes.size()) + " bytes (MPI takes 2^31 - 1)");
  }
  const auto operation = std::make_shared<SingleRequest>("broadcast", bytes.size());
  check_mpi(
      MPI_Ibcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, root, comm_, operation->request()),
      "broadcast");
  job_->start(operation);
  wait(*operation, "broadcast", num_started_++);
}

void MpiCommunicator::barrier() {
  const auto operation = std::make_shared<SingleRequest>("barrier");
  check_mpi(MPI_Ibarrier(comm_, operation->request()), "barrier");
  job_->start(operation);
  wait(*operation, "barrier", num_started_++);
}

std::unique_ptr<PendingExchange> MpiCommunicator::start_all_to_all(std::vector<std::string> parts) {
  return std::make_unique<Exchange>(*this, std::move(parts));
}

std::unique_ptr<Communicator> MpiCommunicator::split(int color) {
  barrier();  // MPI's split waits, without a limit: only where all have come
  const std::uint64_t number = num_started_++;
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color, rank_, &part), "split");
  return std::unique_ptr<Communicator>(
      new MpiCommunicator(part, id_of_part(id_, number, color), job_, state()));
}

void MpiCommunicator::abort(int exit_code) {
  job_->fail();
  end_launcher_later(kLauncherSeconds);
  // MPI_Abort asks the launcher, which may be gone or stopped.
  abort_code = exit_code;
  std::signal(SIGALRM, end_at_once);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
  alarm(kAbortSeconds);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace reckon
