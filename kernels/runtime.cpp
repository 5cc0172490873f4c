// runtime.h on a GPU.
#include <cuda_runtime.h>

#include <stdexcept>

#include "launch_check.h"
#include "reckon/base/error.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

void check(const char* what, cudaError_t error, ExitCode code = ExitCode::internal) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();  // else LibTorch would find it behind its own next kernel
  throw Error(code, std::string(what) + ": CUDA: " + cudaGetErrorString(error));
}

}  // namespace

void check_launch(const char* name, cudaError_t error) {
  check(name, error);
}

bool is_emulated() {
  return false;
}

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();  // no driver: the error would stay
    return 0;
  }
  return count;
}

const DeviceInfo& device_info() {
  int device = 0;
  check("CUDA device", cudaGetDevice(&device), ExitCode::environment);
  static thread_local int known = -1;
  static thread_local DeviceInfo info;
  if (known == device) return info;
  cudaDeviceProp properties{};
  check("CUDA device", cudaGetDeviceProperties(&properties, device), ExitCode::environment);
  info = {properties.name,
          properties.multiProcessorCount,
          10 * properties.major + properties.minor,
          properties.totalGlobalMem,
          properties.sharedMemPerBlockOptin,
          std::string(properties.uuid.bytes, sizeof properties.uuid.bytes)};
  known = device;
  return info;
}

void use_device(int index) {
  const int count = device_count();
  if (index < 0 || index >= count) {
    throw Error(ExitCode::environment, "CUDA device " + std::to_string(index) + ": this machine has " +
                                           std::to_string(count) +
                                           " (need a GPU and its driver for each rank)");
  }
  check("cudaSetDevice", cudaSetDevice(index), ExitCode::environment);
}

void synchronize(Stream stream) {
  check("a kernel before this point", cudaStreamSynchronize(stream));
}

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    std::size_t free_bytes = 0;
    std::size_t all_bytes = 0;
    (void)cudaMemGetInfo(&free_bytes, &all_bytes);
    throw Error(ExitCode::environment,
                "GPU memory: " + std::to_string(bytes >> 20) + " MiB wanted, " +
                    std::to_string(free_bytes >> 20) + " of " + std::to_string(all_bytes >> 20) +
                    " MiB are free. A smaller micro_batch_leaves, max_batch or kv_budget_mib may help.");
  }
  check("cudaMalloc", error);
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;  // cudaFree would start the device for it
  // Waits for the work that may use the memory. An error is that of a kernel before: synchronize() names it.
  if (cudaFree(memory) != cudaSuccess) (void)cudaGetLastError();
}

void copy_to_device(void* device, const void* host, std::size_t bytes, Stream stream) {
  if (bytes > 0)
    check("copy to the GPU", cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream));
}

void copy_to_host(void* host, const void* device, std::size_t bytes, Stream stream) {
  if (bytes > 0)
    check("copy from the GPU", cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream));
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes > 0) check("copy on the GPU", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
}

void fill_zero(void* device, std::size_t bytes, Stream stream) {
  if (bytes > 0) check("fill on the GPU", cudaMemsetAsync(device, 0, bytes, stream));
}

void order_streams(Stream first, Stream then) {
  cudaEvent_t event = nullptr;
  check("cudaEventCreate", cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  cudaError_t error = cudaEventRecord(event, first);
  if (error == cudaSuccess) error = cudaStreamWaitEvent(then, event, 0);
  (void)cudaEventDestroy(event);  // once the device has passed it
  check("order of streams", error);
}

OwnedStream::OwnedStream() {
  check("cudaStreamCreate", cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
}
OwnedStream::~OwnedStream() {
  (void)cudaStreamDestroy(stream_);
}

struct RecordedWork::State {
  cudaGraphExec_t graph = nullptr;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (graph != nullptr) (void)cudaGraphExecDestroy(graph);
  }
};
RecordedWork::RecordedWork() = default;
RecordedWork::~RecordedWork() = default;
RecordedWork::RecordedWork(RecordedWork&&) noexcept = default;
RecordedWork& RecordedWork::operator=(RecordedWork&&) noexcept = default;

void RecordedWork::record(Stream stream, const std::function<void()>& work) {
  auto state = std::make_unique<State>();
  cudaGraph_t graph = nullptr;
  // Thread local: what other threads of the process do meanwhile is not recorded and not forbidden.
  check("record", cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    work();
  } catch (...) {
    (void)cudaStreamEndCapture(stream, &graph);
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
    throw;
  }
  check("record", cudaStreamEndCapture(stream, &graph));
  const cudaError_t error = cudaGraphInstantiate(&state->graph, graph, 0);
  (void)cudaGraphDestroy(graph);
  check("record", error);
  state_ = std::move(state);
}

bool RecordedWork::is_recorded() const {
  return state_ != nullptr;
}

void RecordedWork::launch(Stream stream) const {
  if (!state_) throw std::logic_error("RecordedWork::launch: nothing is recorded");
  check("launch of recorded work", cudaGraphLaunch(state_->graph, stream));
}

struct StreamTimer::State {
  cudaEvent_t begin = nullptr, end = nullptr;
};
StreamTimer::StreamTimer() : state_(std::make_unique<State>()) {
  check("cudaEventCreate", cudaEventCreate(&state_->begin));
  check("cudaEventCreate", cudaEventCreate(&state_->end));
}
StreamTimer::~StreamTimer() {
  (void)cudaEventDestroy(state_->begin);
  (void)cudaEventDestroy(state_->end);
}
void StreamTimer::start(Stream stream) {
  check("cudaEventRecord", cudaEventRecord(state_->begin, stream));
}
double StreamTimer::stop(Stream stream) {
  check("cudaEventRecord", cudaEventRecord(state_->end, stream));
  check("cudaEventSynchronize", cudaEventSynchronize(state_->end));
  float milliseconds = 0;
  check("cudaEventElapsedTime", cudaEventElapsedTime(&milliseconds, state_->begin, state_->end));
  return milliseconds;
}

}  // namespace reckon::cuda
