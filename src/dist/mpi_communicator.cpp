#include <mpi.h>

#include <cstdlib>
#include <limits>
#include <stdexcept>

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
  MpiCommunicator() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }

  std::vector<std::string> all_gather(std::string_view bytes) override {
    const int mine = as_count(bytes.size());
    std::vector<int> counts(static_cast<std::size_t>(size_));
    MPI_Allgather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, MPI_COMM_WORLD);
    std::vector<int> offsets;
    std::string all(layout(counts, offsets), '\0');
    MPI_Allgatherv(bytes.data(), mine, MPI_BYTE, all.data(), counts.data(), offsets.data(), MPI_BYTE,
                   MPI_COMM_WORLD);
    return split(all, counts, offsets);
  }

  std::vector<std::string> gather(std::string_view bytes, int root) override {
    const int mine = as_count(bytes.size());
    std::vector<int> counts(static_cast<std::size_t>(size_));
    MPI_Gather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, root, MPI_COMM_WORLD);
    std::vector<int> offsets;
    std::string all(rank_ == root ? layout(counts, offsets) : 0, '\0');
    MPI_Gatherv(bytes.data(), mine, MPI_BYTE, all.data(), counts.data(), offsets.data(), MPI_BYTE, root,
                MPI_COMM_WORLD);
    if (rank_ != root) return {};
    return split(all, counts, offsets);
  }

  void broadcast(std::span<std::byte> bytes, int root) override {
    MPI_Bcast(bytes.data(), as_count(bytes.size()), MPI_BYTE, root, MPI_COMM_WORLD);
  }

  void barrier() override { MPI_Barrier(MPI_COMM_WORLD); }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
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

  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  MPI_Init(argc, argv);
  world_ = std::make_unique<MpiCommunicator>();
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
