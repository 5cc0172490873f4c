#include "engine.h"

#include <algorithm>

#include "reckon/base/error.h"
#include "reckon/learn/cpu_learner.h"

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
  if (model.device == Device::cpu) return;
  throw Error(ExitCode::environment, "model.device is " + in_quotes(enum_name(model.device)) +
                                         ": this program was built without CUDA (need the cuda preset)");
}

std::unique_ptr<Engine> make_engine(const ModelInitConfig& model, Decoder& decoder, Communicator& world) {
  check_device(model);
  return std::make_unique<CpuEngine>(decoder, world);
}

}  // namespace reckon
