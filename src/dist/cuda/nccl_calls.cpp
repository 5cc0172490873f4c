#include "reckon/dist/nccl_calls.h"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <cstring>

#include "reckon/base/error.h"

namespace reckon {
namespace {

static_assert(std::tuple_size_v<NcclId> == NCCL_UNIQUE_ID_BYTES);

NcclResult answer(ncclResult_t result) {
  if (result == ncclSuccess) return {};
  if (result == ncclInProgress) return {NcclStatus::in_progress, ""};
  return {NcclStatus::nccl_failed, ncclGetErrorString(result)};
}

NcclResult answer(cudaError_t result) {
  if (result == cudaSuccess) return {};
  if (result == cudaErrorNotReady) return {NcclStatus::in_progress, ""};
  return {NcclStatus::cuda_failed, cudaGetErrorString(result)};
}

class LibraryCalls final : public NcclCalls {
 public:
  [[nodiscard]] std::string version() override {
    int code = 0;  // 10000 major + 100 minor + patch
    if (ncclGetVersion(&code) != ncclSuccess) return "unknown";
    return std::to_string(code / 10000) + "." + std::to_string(code / 100 % 100) + "." +
           std::to_string(code % 100);
  }

  NcclResult make_id(NcclId& id) override {
    ncclUniqueId unique{};
    const NcclResult result = answer(ncclGetUniqueId(&unique));
    std::memcpy(id.data(), unique.internal, id.size());
    return result;
  }

  NcclResult init(const NcclId& id, int rank, int size, int num_channels) override {
    rank_ = static_cast<std::size_t>(rank);
    ncclUniqueId unique{};
    std::memcpy(unique.internal, id.data(), id.size());
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    config.minCTAs = num_channels;
    config.maxCTAs = num_channels;
    return answer(ncclCommInitRankConfig(&communicator_, size, unique, rank, &config));
  }

  NcclResult state() override {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(communicator(), &state);
    return answer(asked == ncclSuccess ? state : asked);
  }

  std::string last_error() override {
    const char* text = ncclGetLastError(communicator());
    std::string last = text == nullptr ? "" : text;
    while (!last.empty() && (last.back() == '\n' || last.back() == ' ')) last.pop_back();
    return last;
  }

  NcclResult all_reduce_sum(float* device, std::size_t count, Stream stream) override {
    return answer(ncclAllReduce(device, device, count, ncclFloat32, ncclSum, communicator(), stream));
  }

  NcclResult reduce_sum(float* device, std::size_t count, int root, Stream stream) override {
    return answer(ncclReduce(device, device, count, ncclFloat32, ncclSum, root, communicator(), stream));
  }

  NcclResult broadcast(void* device, std::size_t bytes, int root, Stream stream) override {
    return answer(ncclBroadcast(device, device, bytes, ncclUint8, root, communicator(), stream));
  }

  NcclResult all_gather(void* device, std::size_t bytes, Stream stream) override {
    const void* mine = static_cast<const char*>(device) + rank_ * bytes;
    return answer(ncclAllGather(mine, device, bytes, ncclUint8, communicator(), stream));
  }

  NcclResult reduce_scatter_sum(float* device, std::size_t count, Stream stream) override {
    return answer(ncclReduceScatter(device, device + rank_ * count, count, ncclFloat32, ncclSum,
                                    communicator(), stream));
  }

  NcclResult finalize() override { return answer(ncclCommFinalize(communicator())); }

  void destroy() override {
    ncclCommDestroy(communicator());
    communicator_ = nullptr;
  }

  void abort() override {
    if (communicator() != nullptr) ncclCommAbort(communicator());
    communicator_ = nullptr;
  }

  NcclResult record(CudaEvent& event, Stream stream) override {
    if (event == nullptr) {
      const cudaError_t made = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
      if (made != cudaSuccess) return answer(made);
    }
    return answer(cudaEventRecord(event, stream));
  }

  NcclResult query(CudaEvent event) override {
    const cudaError_t result = cudaEventQuery(event);
    // It would stay, and LibTorch would take it for an error of its next kernel.
    if (result == cudaErrorNotReady) (void)cudaGetLastError();
    return answer(result);
  }

  void release(CudaEvent event) override {
    if (event != nullptr) cudaEventDestroy(event);
  }

 private:
  /// NCCL's thread writes the handle once more while it initialises.
  [[nodiscard]] ncclComm_t communicator() { return std::atomic_ref(communicator_).load(); }

  ncclComm_t communicator_ = nullptr;
  std::size_t rank_ = 0;
};

}  // namespace

std::unique_ptr<NcclCalls> make_nccl_calls(int device) {
  const cudaError_t result = cudaSetDevice(device);
  if (result != cudaSuccess) {
    throw Error(ExitCode::environment, "cuda:" + std::to_string(device) + ": " + cudaGetErrorString(result) +
                                           " (need a GPU for each rank). Does CUDA_VISIBLE_DEVICES hide it?");
  }
  return std::make_unique<LibraryCalls>();
}

}  // namespace reckon
