#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "reckon/cuda/stream.h"

struct CUevent_st;

namespace reckon {

/// A CUDA event, as cudaEvent_t.
using CudaEvent = CUevent_st*;

enum class NcclStatus {
  done,
  in_progress,  ///< ask state() again, or for an event query()
  nccl_failed,
  cuda_failed,
};

/// What a call answered.
struct NcclResult {
  NcclStatus status = NcclStatus::done;
  std::string text;  ///< where it failed: what the library calls the error
};

/// ncclUniqueId: what the ranks of one communicator find each other by.
using NcclId = std::array<std::byte, 128>;

/// The calls of NCCL and CUDA that one communicator makes, and the clock it waits by. None waits for another
/// rank. The communicator is non-blocking: a call that answers in_progress is complete once state() says so,
/// and until then no other but state(), last_error() and abort() may be made.
class NcclCalls {
 public:
  virtual ~NcclCalls() = default;

  /// Of the library that is loaded, for example "2.28.9".
  [[nodiscard]] virtual std::string version() = 0;
  virtual NcclResult make_id(NcclId& id) = 0;
  /// ncclCommInitRankConfig. \param num_channels  ncclConfig_t.minCTAs and maxCTAs
  virtual NcclResult init(const NcclId& id, int rank, int size, int num_channels) = 0;
  /// ncclCommGetAsyncError: whether the last call is complete, and what has failed since.
  virtual NcclResult state() = 0;
  /// ncclGetLastError: one sentence of detail, or nothing.
  virtual std::string last_error() = 0;

  /// The collectives of DeviceCommunicator. Counts are of float32, or bytes.
  virtual NcclResult all_reduce_sum(float* device, std::size_t count, Stream stream) = 0;
  virtual NcclResult reduce_sum(float* device, std::size_t count, int root, Stream stream) = 0;
  virtual NcclResult broadcast(void* device, std::size_t bytes, int root, Stream stream) = 0;
  virtual NcclResult all_gather(void* device, std::size_t bytes, Stream stream) = 0;
  virtual NcclResult reduce_scatter_sum(float* device, std::size_t count, Stream stream) = 0;

  /// Completes what is under way; destroy() may follow once it is done.
  virtual NcclResult finalize() = 0;
  virtual void destroy() = 0;
  /// Ends what is under way on the device and frees the communicator; nothing where init() made none. No
  /// other call for the communicator may follow destroy() or abort().
  virtual void abort() = 0;

  /// Marks this point of the stream. \param event  made where it is null
  virtual NcclResult record(CudaEvent& event, Stream stream) = 0;
  /// done where the device has passed the point; cuda_failed where the device failed.
  virtual NcclResult query(CudaEvent event) = 0;
  virtual void release(CudaEvent event) = 0;

  /// A clock that never goes back. s
  [[nodiscard]] virtual double now_s();
  /// Lets time pass; 0 lets other threads run.
  virtual void pause(double seconds);
};

/// Those of the library, on one device, which becomes the calling thread's and must stay it. Of the library
/// reckon::nccl, which is built with RECKON_CUDA=ON.
/// \throws Error(environment) where there is no such device.
[[nodiscard]] std::unique_ptr<NcclCalls> make_nccl_calls(int device);

}  // namespace reckon
