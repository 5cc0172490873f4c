#include "cuda_engine.h"

#include <cstdlib>

#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/cuda/runtime.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/gpu/engine.h"
#ifndef RECKON_EMULATE_CUDA
#include "reckon/dist/nccl_communicator.h"
#endif

namespace reckon {
namespace {

/// NCCL, but where ranks share a GPU, which it refuses.
std::unique_ptr<DeviceCommunicator> make_devices(Communicator& world, [[maybe_unused]] int device) {
  if (world.size() == 1) return make_serial_device_communicator();
#ifndef RECKON_EMULATE_CUDA
  if (!gpu::ranks_share_devices(world))
    return make_nccl_communicator(world, make_nccl_calls(device), {.device = device, .host = {}});
  if (world.rank() == 0) log_warning("several ranks share a GPU: gradients are summed on the host, slowly");
#endif
  return make_staged_device_communicator(world);
}

class CudaEngine : public Engine {
 public:
  CudaEngine(Numerics numerics, Decoder& decoder, Communicator& world)
      : Engine(decoder), world_(world), device_(gpu::choose_device()), engine_(decoder, numerics) {}

  [[nodiscard]] std::unique_ptr<SamplingBackend> sampling_backend() override {
    return engine_.sampling_backend();
  }
  [[nodiscard]] std::unique_ptr<Learner> learner(const OptimizerConfig& optimizer, const BatchConfig& batch,
                                                 std::int64_t total_updates, Reference reference) override {
    fetch_weights();  // which the reference is made of
    if (!devices_) devices_ = make_devices(world_, device_);
    return engine_.learner(optimizer, batch, world_, *devices_, total_updates,
                           reference == Reference::none ? nullptr : &decoder());
  }
  void fetch_weights() override { engine_.fetch_weights(); }
  void store_weights() override { engine_.store_weights(); }

 private:
  Communicator& world_;
  int device_;
  std::unique_ptr<DeviceCommunicator> devices_;
  gpu::Engine engine_;
};

}  // namespace

void check_cuda() {
  // The emulator is for tests of this program, and slow: nobody is to get it by accident.
  if (cuda::is_emulated() && std::getenv("RECKON_EMULATE_CUDA") == nullptr) {
    throw Error(ExitCode::environment,
                "model.device is \"cuda\": this program was built without CUDA (need the cuda preset)");
  }
  (void)gpu::choose_device();
}

std::string cuda_device_text() {
  return cuda::device_info().name + " (cuda:" + std::to_string(gpu::choose_device()) + ")";
}

std::unique_ptr<Engine> make_cuda_engine(Numerics numerics, Decoder& decoder, Communicator& world) {
  return std::make_unique<CudaEngine>(numerics, decoder, world);
}

}  // namespace reckon
