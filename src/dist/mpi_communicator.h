#pragma once

#include <mpi.h>

#include <memory>
#include <string>
#include <vector>

#include "mpi_job.h"
#include "part_transfer.h"
#include "reckon/dist/communicator.h"

namespace reckon {

/// Collectives on MPI's that do not block, so that this rank can say whom it waits for.
class MpiCommunicator final : public Communicator {
 public:
  /// MPI_COMM_WORLD.
  explicit MpiCommunicator(std::shared_ptr<MpiJob> job);
  ~MpiCommunicator() override;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] std::string host(int rank) const override {
    return job_->board().hosts()[static_cast<std::size_t>(ranks_[static_cast<std::size_t>(rank)])];
  }
  std::vector<std::string> all_gather(std::string_view bytes) override;
  std::vector<std::string> gather(std::string_view bytes, int root) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;
  std::unique_ptr<PendingExchange> start_all_to_all(std::vector<std::string> parts) override;
  std::unique_ptr<Communicator> split(int color) override;
  [[noreturn]] void abort(int exit_code) override;

  [[nodiscard]] MPI_Comm mpi() const { return comm_; }
  [[nodiscard]] const std::shared_ptr<MpiJob>& job() const { return job_; }
  /// "rank 3 (node2)", by its number in the job
  [[nodiscard]] std::string name(int rank) const {
    return job_->board().name(ranks_[static_cast<std::size_t>(rank)]);
  }

 private:
  class Exchange;
  MpiCommunicator(MPI_Comm comm, std::uint64_t id, std::shared_ptr<MpiJob> job, std::shared_ptr<State> state);
  void read_ranks();
  /// Waits for a collective that was started as number `number`.
  void wait(MpiOperation& operation, const char* call, std::uint64_t number);
  /// What has come; `mine` where this rank's own part belongs.
  std::vector<std::string> finish(PartTransfer& transfer, const char* call, std::uint64_t number,
                                  std::string mine);

  MPI_Comm comm_;
  std::uint64_t id_;  ///< the same on all ranks of this communicator
  std::shared_ptr<MpiJob> job_;
  std::vector<int> ranks_;  ///< their numbers in the job
  int rank_ = 0;
  int size_ = 1;
  std::uint64_t num_started_ = 0;
};

}  // namespace reckon
