#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "reckon/dist/nccl_calls.h"

namespace reckon::testing {

/// A library whose "device" is the host's memory and whose collectives are MPI's that do not block: an event
/// is done when all ranks have come. Sums in rank order. Real clock. One stream.
class MpiNccl final : public NcclCalls {
 public:
  MpiNccl() {
    MPI_Comm_dup(MPI_COMM_WORLD, &ranks_);
    MPI_Comm_rank(ranks_, &rank_);
    MPI_Comm_size(ranks_, &size_);
  }
  ~MpiNccl() override { MPI_Comm_free(&ranks_); }

  /// The collective with this number, from 0, fails on this rank: the others wait for it.
  void fail_at(int collective) { fails_at_ = collective; }
  /// Comes late to the collective that failed, and waits for all: MPI must not be left with one that hangs.
  void catch_up() {
    if (missed_) missed_();
    for (Operation& operation : operations_) MPI_Wait(&operation.request, MPI_STATUS_IGNORE);
  }

  [[nodiscard]] std::string version() override { return "0.0.0"; }
  NcclResult make_id(NcclId& id) override {
    id = expected_id();
    return {};
  }
  NcclResult init(const NcclId& id, int rank, int size, int) override {
    if (id != expected_id()) return {NcclStatus::nccl_failed, "wrong id"};
    if (rank != rank_ || size != size_) return {NcclStatus::nccl_failed, "wrong rank"};
    busy_looks_ = 3;
    return {NcclStatus::in_progress, ""};
  }
  NcclResult state() override {
    if (busy_looks_ == 0) return {};
    --busy_looks_;
    return {NcclStatus::in_progress, ""};
  }
  std::string last_error() override { return "the test says so"; }

  NcclResult all_reduce_sum(float* device, std::size_t count, Stream) override {
    return start(device, count * sizeof(float), [this, device, count](const std::vector<char>& parts) {
      sum_parts(parts, count, 0, count, device);
    });
  }
  NcclResult reduce_sum(float* device, std::size_t count, int root, Stream) override {
    return start(device, count * sizeof(float), [this, device, count, root](const std::vector<char>& parts) {
      if (rank_ == root) sum_parts(parts, count, 0, count, device);
    });
  }
  NcclResult broadcast(void* device, std::size_t bytes, int root, Stream) override {
    return start(device, bytes, [device, bytes, root](const std::vector<char>& parts) {
      std::memcpy(device, parts.data() + static_cast<std::size_t>(root) * bytes, bytes);
    });
  }
  NcclResult all_gather(void* device, std::size_t bytes, Stream) override {
    return start(
        static_cast<char*>(device) + index() * bytes, bytes,
        [device](const std::vector<char>& parts) { std::memcpy(device, parts.data(), parts.size()); });
  }
  NcclResult reduce_scatter_sum(float* device, std::size_t count, Stream) override {
    const std::size_t all = count * static_cast<std::size_t>(size_);
    return start(device, all * sizeof(float), [this, device, count, all](const std::vector<char>& parts) {
      sum_parts(parts, all, index() * count, count, device + index() * count);
    });
  }

  NcclResult finalize() override { return {}; }
  void destroy() override {}
  void abort() override {}

  /// An event is the number of operations that were started before it.
  NcclResult record(CudaEvent& event, Stream) override {
    event = reinterpret_cast<CudaEvent>(operations_.size());
    return {};
  }
  NcclResult query(CudaEvent event) override {
    for (; num_done_ < reinterpret_cast<std::size_t>(event); ++num_done_) {
      Operation& operation = operations_[num_done_];
      int is_done = 0;
      MPI_Test(&operation.request, &is_done, MPI_STATUS_IGNORE);
      if (is_done == 0) return {NcclStatus::in_progress, ""};
      operation.finish(operation.parts);
    }
    return {};
  }
  void release(CudaEvent) override {}

 private:
  struct Operation {
    std::vector<char> mine;   ///< as it was when the operation was started
    std::vector<char> parts;  ///< of all ranks
    std::function<void(const std::vector<char>&)> finish;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  static NcclId expected_id() {
    NcclId id;
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(3 * i + 1);
    return id;
  }
  [[nodiscard]] std::size_t index() const { return static_cast<std::size_t>(rank_); }

  NcclResult start(const void* device, std::size_t bytes,
                   std::function<void(const std::vector<char>&)> finish) {
    const auto post = [this, device, bytes, finish] {
      const auto* first = static_cast<const char*>(device);
      Operation operation{
          {first, first + bytes}, std::vector<char>(bytes * static_cast<std::size_t>(size_)), finish};
      const int count = static_cast<int>(bytes);
      MPI_Iallgather(operation.mine.data(), count, MPI_BYTE, operation.parts.data(), count, MPI_BYTE, ranks_,
                     &operation.request);
      operations_.push_back(std::move(operation));
    };
    if (num_started_++ == fails_at_) {
      missed_ = post;
      return {NcclStatus::nccl_failed, "remote process exited"};
    }
    post();
    busy_looks_ = 1;
    return {NcclStatus::in_progress, ""};
  }

  /// The elements [begin, begin + count) of each part, of `length` elements, into `sums`.
  void sum_parts(const std::vector<char>& parts, std::size_t length, std::size_t begin, std::size_t count,
                 float* sums) const {
    std::fill(sums, sums + count, 0.0F);
    for (std::size_t r = 0; r < static_cast<std::size_t>(size_); ++r) {
      for (std::size_t i = 0; i < count; ++i) {
        float value = 0.0F;
        std::memcpy(&value, parts.data() + (r * length + begin + i) * sizeof(float), sizeof(float));
        sums[i] += value;
      }
    }
  }

  MPI_Comm ranks_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  int busy_looks_ = 0;
  int num_started_ = 0;
  int fails_at_ = -1;
  std::function<void()> missed_;
  std::vector<Operation> operations_;
  std::size_t num_done_ = 0;
};

}  // namespace reckon::testing
