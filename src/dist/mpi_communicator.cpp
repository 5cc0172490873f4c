#include <mpi.h>

#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "finished_exchange.h"
#include "reckon/base/error.h"
#include "reckon/dist/communicator.h"

namespace reckon {
namespace {

int as_count(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::length_error("Communicator: a message of " + std::to_string(bytes) +
                            " bytes (MPI takes 2^31 - 1)");
  }
  return static_cast<int>(bytes);
}

/// MPI ends the job by itself where a call fails (MPI_ERRORS_ARE_FATAL), so return codes are not looked at.
class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(MPI_Comm comm) : comm_(comm) { read_ranks(); }
  MpiCommunicator(MPI_Comm comm, std::shared_ptr<State> state) : Communicator(std::move(state)), comm_(comm) {
    read_ranks();
  }
  ~MpiCommunicator() override {
    if (comm_ != MPI_COMM_WORLD) MPI_Comm_free(&comm_);
  }
  [[nodiscard]] std::string host(int rank) const override { return hosts_[static_cast<std::size_t>(rank)]; }

  std::unique_ptr<PendingExchange> start_all_to_all(std::vector<std::string> parts) override {
    std::vector<int> counts, offsets, their_counts(parts.size()), their_offsets;
    for (const std::string& part : parts) counts.push_back(as_count(part.size()));
    MPI_Alltoall(counts.data(), 1, MPI_INT, their_counts.data(), 1, MPI_INT, comm_);
    std::string mine(layout(counts, offsets), '\0'), theirs(layout(their_counts, their_offsets), '\0');
    for (std::size_t r = 0; r < parts.size(); ++r) parts[r].copy(mine.data() + offsets[r], parts[r].size());
    MPI_Alltoallv(mine.data(), counts.data(), offsets.data(), MPI_BYTE, theirs.data(), their_counts.data(),
                  their_offsets.data(), MPI_BYTE, comm_);
    return std::make_unique<FinishedExchange>(split(theirs, their_counts, their_offsets));
  }

  std::unique_ptr<Communicator> split(int color) override {
    MPI_Comm part;
    MPI_Comm_split(comm_, color, rank_, &part);
    return std::make_unique<MpiCommunicator>(part, state());
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }

  std::vector<std::string> all_gather(std::string_view bytes) override {
    const int mine = as_count(bytes.size());
    std::vector<int> counts(static_cast<std::size_t>(size_));
    MPI_Allgather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, comm_);
    std::vector<int> offsets;
    std::string all(layout(counts, offsets), '\0');
    MPI_Allgatherv(bytes.data(), mine, MPI_BYTE, all.data(), counts.data(), offsets.data(), MPI_BYTE, comm_);
    return split(all, counts, offsets);
  }

  std::vector<std::string> gather(std::string_view bytes, int root) override {
    const int mine = as_count(bytes.size());
    std::vector<int> counts(static_cast<std::size_t>(size_));
    MPI_Gather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, root, comm_);
    std::vector<int> offsets;
    std::string all(rank_ == root ? layout(counts, offsets) : 0, '\0');
    MPI_Gatherv(bytes.data(), mine, MPI_BYTE, all.data(), counts.data(), offsets.data(), MPI_BYTE, root,
                comm_);
    if (rank_ != root) return {};
    return split(all, counts, offsets);
  }

  void broadcast(std::span<std::byte> bytes, int root) override {
    MPI_Bcast(bytes.data(), as_count(bytes.size()), MPI_BYTE, root, comm_);
  }

  void barrier() override { MPI_Barrier(comm_); }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  void read_ranks() {
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    hosts_ = all_gather(host_name());
  }
  static std::size_t layout(const std::vector<int>& counts, std::vector<int>& offsets) {
    std::size_t total = 0;
    for (const int count : counts) {
      offsets.push_back(as_count(total));
      total += static_cast<std::size_t>(count);
    }
    as_count(total);
    return total;
  }

  static std::vector<std::string> split(const std::string& all, const std::vector<int>& counts,
                                        const std::vector<int>& offsets) {
    std::vector<std::string> parts;
    for (std::size_t r = 0; r < counts.size(); ++r) {
      parts.push_back(all.substr(static_cast<std::size_t>(offsets[r]), static_cast<std::size_t>(counts[r])));
    }
    return parts;
  }

  MPI_Comm comm_;
  std::vector<std::string> hosts_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  MPI_Init(argc, argv);
  world_ = std::make_unique<MpiCommunicator>(MPI_COMM_WORLD);
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS"}) {
    const char* text = std::getenv(variable);
    // An interactive allocation sets SLURM_NTASKS for a program started without srun as well; SLURM_STEP_ID
    // tells.
    if (text == nullptr ||
        (std::string_view(variable) == "SLURM_NTASKS" && std::getenv("SLURM_STEP_ID") == nullptr)) {
      continue;
    }
    if (std::atoi(text) != world_->size()) {
      const std::string seen = std::to_string(world_->size());
      MPI_Finalize();
      throw Error(ExitCode::environment, std::string("MPI: ") + variable + " is " + text + " but MPI sees " +
                                             seen + " rank(s). Start with mpirun, or with srun --mpi=pmix.");
    }
  }
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

}  // namespace reckon
