#include "engine.h"

#include <algorithm>

#include "cuda_engine.h"
#include "reckon/gpu/engine.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/ops/fingerprint.h"
#include "reckon/ops/isa.h"

namespace reckon {
namespace {

/// Computes with the decoder itself, whose weights are the learner's.
class CpuEngine : public Engine {
 public:
  CpuEngine(Decoder& decoder, Communicator& world) : Engine(decoder), world_(world) {}

  [[nodiscard]] std::unique_ptr<SamplingBackend> sampling_backend() override {
    return make_cpu_sampling_backend(decoder());
  }
  [[nodiscard]] std::unique_ptr<Learner> learner(const OptimizerConfig& optimizer, const BatchConfig& batch,
                                                 std::int64_t total_updates, Reference reference) override {
    return std::make_unique<CpuLearner>(decoder(), optimizer, batch, world_, total_updates,
                                        reference == Reference::none ? nullptr : copy_of(decoder()));
  }
  void fetch_weights() override {}
  void store_weights() override { decoder().repack(); }

 private:
  Communicator& world_;
};

}  // namespace

std::unique_ptr<Decoder> copy_of(const Decoder& decoder) {
  auto copy = std::make_unique<Decoder>(decoder.config(), decoder.precision());
  std::copy(decoder.parameters().begin(), decoder.parameters().end(), copy->parameters().begin());
  copy->limit_vocabulary(decoder.num_logits());
  copy->repack();
  return copy;
}

void check_device(const ModelInitConfig& model) {
  if (model.device == Device::cuda) check_cuda();
}

Precision host_precision(const ModelInitConfig& model) {
  return model.device == Device::cuda ? Precision() : Precision(model.compute_dtype, model.kv_dtype);
}

DeviceNumerics device_numerics(const ModelInitConfig& model) {
  const Precision precision(model.compute_dtype, model.kv_dtype);
  std::string text = std::string(enum_name(precision.compute)) + ", keys and values " +
                     std::string(enum_name(precision.kv)) + " on ";
  if (model.device == Device::cuda)
    return {text + cuda_device_text() + ", " + std::string(enum_name(model.numerics)),
            gpu::numerics_fingerprint(model.numerics)};
  return {text + std::string(active_isa()), numerics_fingerprint(precision)};
}

std::unique_ptr<Engine> make_engine(const ModelInitConfig& model, Decoder& decoder, Communicator& world) {
  check_device(model);
  if (model.device == Device::cuda) return make_cuda_engine(model.numerics, decoder, world);
  return std::make_unique<CpuEngine>(decoder, world);
}

}  // namespace reckon
