#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "reckon/cuda/stream.h"
#include "reckon/dist/communicator.h"

namespace reckon {

/// The ranks of a job that hold their tensors on GPUs, one GPU a rank.
///
/// A collective is enqueued on a stream and returns before the device has done it; what is enqueued on that
/// stream behind it sees its result. All work in place. Every rank must make the same calls, in the same
/// order, with the same sizes. `tensor` names the tensor in messages and for wait(): every collective must be
/// waited for once, since an error or a rank that has stopped is noticed there at the latest. Not
/// thread-safe.
///
/// \throws Error          from every call, where a rank has stopped or the library or the device fails. The
///                        communicator is then aborted, and every later call throws as well.
/// \throws std::invalid_argument  where root is not a rank.
class DeviceCommunicator {
 public:
  virtual ~DeviceCommunicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// device [count] float32: becomes the elementwise sum over the ranks, on every rank.
  virtual void all_reduce_sum(float* device, std::size_t count, std::string_view tensor, Stream stream) = 0;
  /// device [count] float32: becomes the elementwise sum over the ranks on the root; the others' is undefined.
  virtual void reduce_sum(float* device, std::size_t count, int root, std::string_view tensor,
                          Stream stream) = 0;
  /// device [bytes]: becomes the root's, on every rank.
  virtual void broadcast(void* device, std::size_t bytes, int root, std::string_view tensor,
                         Stream stream) = 0;
  /// device [size() * bytes], parts in rank order. Each rank gives the part with its number and gets the
  /// others.
  virtual void all_gather(void* device, std::size_t bytes, std::string_view tensor, Stream stream) = 0;
  /// device [size() * count] float32, parts in rank order. The part with this rank's number becomes the sum
  /// of that part over the ranks; the others are undefined.
  virtual void reduce_scatter_sum(float* device, std::size_t count, std::string_view tensor,
                                  Stream stream) = 0;

  /// Waits on the host until the collectives of this tensor that are under way are complete.
  /// \throws std::logic_error  where there is none.
  virtual void wait(std::string_view tensor) = 0;
  /// Waits for all that are under way; there may be none.
  virtual void wait_all() = 0;

 protected:
  void check_root(const char* collective, int root) const;
  [[noreturn]] static void throw_not_under_way(std::string_view tensor);
};

/// One rank, alone: its tensors are the sums already. Needs neither NCCL nor a device.
[[nodiscard]] std::unique_ptr<DeviceCommunicator> make_serial_device_communicator();

/// The ranks of `world` by way of the host: a tensor is copied to it, exchanged by `world`, summed in rank
/// order and copied back before a call returns. For ranks that NCCL cannot join: several on one GPU, or the
/// emulator. Slow, and the same bits on every run. \param world  must outlive it; a call is one of its
/// collectives
[[nodiscard]] std::unique_ptr<DeviceCommunicator> make_staged_device_communicator(Communicator& world);

}  // namespace reckon
