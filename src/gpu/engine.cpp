#include "reckon/gpu/engine.h"

#include <cstdlib>
#include <set>
#include <string>

#include "learner.h"
#include "reckon/base/error.h"
#include "sampling_backend.h"

namespace reckon::gpu {
namespace {

/// This rank's number among those of its host, by mpirun or srun.
int local_rank() {
  for (const char* variable : {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}) {
    if (const char* text = std::getenv(variable)) return std::atoi(text);
  }
  return 0;
}

}  // namespace

int choose_device() {
  const int count = cuda::device_count();
  if (count == 0)
    throw Error(ExitCode::environment,
                "CUDA: no GPU that a driver answers for (need one for device = \"cuda\")");
  const int device = local_rank() % count;
  cuda::use_device(device);
  return device;
}

bool ranks_share_devices(Communicator& world) {
  // By their names: a job scheduler may show each rank another GPU as number 0.
  const std::vector<std::string> ids = world.all_gather(cuda::device_info().id);
  return std::set<std::string>(ids.begin(), ids.end()).size() < ids.size();
}

struct Engine::State {
  Decoder& decoder;
  Numerics numerics;
  cuda::OwnedStream stream;
  Weights weights;
  cuda::Gemm gemm;
  std::uint64_t fetched;

  State(Decoder& host, Numerics how)
      : decoder(host),
        numerics(how),
        weights(host, WeightUse::train, stream.get()),
        gemm(how == Numerics::exact ? cuda::GemmSums::exact : cuda::GemmSums::fast),
        fetched(weights.version()) {}
};

Engine::Engine(Decoder& decoder, Numerics numerics) : state_(std::make_unique<State>(decoder, numerics)) {}

Engine::~Engine() = default;

std::unique_ptr<SamplingBackend> Engine::sampling_backend() {
  return std::make_unique<GpuSamplingBackend>(state_->weights, state_->gemm, state_->stream.get());
}

std::unique_ptr<Learner> Engine::learner(const OptimizerConfig& optimizer, const BatchConfig& batch,
                                         Communicator& world, DeviceCommunicator& devices,
                                         std::int64_t total_updates, const Decoder* reference) {
  return std::make_unique<GpuLearner>(state_->weights, state_->gemm, state_->stream.get(), state_->numerics,
                                      optimizer, batch, world, devices, total_updates, reference);
}

void Engine::fetch_weights() {
  if (state_->fetched == state_->weights.version()) return;
  state_->weights.fetch(state_->decoder, state_->stream.get());
  state_->fetched = state_->weights.version();
}

void Engine::store_weights() {
  state_->weights.store(state_->decoder, state_->stream.get());
  state_->fetched = state_->weights.version();
}

}  // namespace reckon::gpu
