#pragma once

#include <memory>
#include <string>

#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/dist/nccl_calls.h"

namespace reckon {

/// What ranks that sum by NCCL must know.
struct NcclConfig {
  int device = 0;            ///< this rank's GPU, for messages
  std::string host;          ///< this rank's machine, for messages; empty: its host name
  double timeout_s = 600.0;  ///< longest wait for other ranks and the device, in each call. s; positive
  int num_channels = 16;     ///< thread blocks of a collective, 1 to 64
};

/// A communicator of all ranks of `world` over NCCL. Collective over `world`, which carries the id; it is not
/// used afterwards.
///
/// Bits. NCCL chooses an algorithm, a protocol and a number of channels by size and by what it measures of
/// the machine, and the order in which an element is summed follows from them. So they are fixed:
/// NCCL_ALGO=Ring and NCCL_PROTO=Simple are put into the environment where they are not set, and minCTAs =
/// maxCTAs = num_channels. The same number of ranks on the same machines then gives the same bits in every
/// run. Call it before other users of NCCL in the process, which reads its environment once, and before
/// threads that read the environment. NCCL_MIN_CTAS and NCCL_MAX_CTAS, where set, go before num_channels. All
/// of these must agree among the ranks.
///
/// Waiting. Nothing waits longer than timeout_s: enqueueing polls NCCL's state, wait() polls an event and
/// NCCL's state; a timeout or an error aborts the communicator and throws, with the rank, the device and the
/// tensor. The time in wait() counts, not the time that the device needs for what stands before the
/// collective on its stream until then. The only call without a time limit of ours is ncclCommAbort itself; a
/// program that ends its job when a rank throws (Communicator::abort) covers that. NCCL_COMM_BLOCKING=1 in
/// the environment is refused.
///
/// Destruction completes what is under way and finalizes, for timeout_s at most. While an exception leaves
/// the scope it aborts instead: other ranks will not come to complete anything, and the cause must be told
/// now.
///
/// \throws Error(environment)  init: a failure or a timeout; ranks whose settings differ
/// \throws Error(internal)     later: a failure or a timeout
/// \throws std::invalid_argument  where the config is out of range
[[nodiscard]] std::unique_ptr<DeviceCommunicator> make_nccl_communicator(Communicator& world,
                                                                         std::unique_ptr<NcclCalls> calls,
                                                                         const NcclConfig& config);

}  // namespace reckon
