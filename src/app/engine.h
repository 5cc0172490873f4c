#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "reckon/dist/communicator.h"
#include "reckon/learn/learner.h"
#include "reckon/model/config.h"
#include "reckon/model/decoder.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon {

/// A copy of a model's weights.
[[nodiscard]] std::unique_ptr<Decoder> copy_of(const Decoder& decoder);

/// What a learner takes pi_ref from.
enum class Reference {
  none,         ///< it has none: kl_coef is 0
  weights_now,  ///< the weights as they are when the learner is made, which it keeps
};

/// Where a stage's model is computed: makes what samples from it and what updates it. Outlives both.
class Engine {
 public:
  /// \param decoder  the model on the host; must outlive the engine
  explicit Engine(Decoder& decoder) : decoder_(decoder) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// Samples from the weights as the learner has left them.
  [[nodiscard]] virtual std::unique_ptr<SamplingBackend> sampling_backend() = 0;
  /// \param total_updates  of the stage
  [[nodiscard]] virtual std::unique_ptr<Learner> learner(const OptimizerConfig& optimizer,
                                                         const BatchConfig& batch, std::int64_t total_updates,
                                                         Reference reference) = 0;
  /// Afterwards decoder() has the weights as the learner has left them.
  virtual void fetch_weights() = 0;
  /// Sampler and learner go on with the weights that decoder() has been given.
  virtual void store_weights() = 0;
  /// The model on the host.
  [[nodiscard]] Decoder& decoder() { return decoder_; }

 private:
  Decoder& decoder_;
};

/// \throws Error(environment) where this program or this machine cannot compute as the recipe says.
void check_device(const ModelInitConfig& model);

/// What the host's copy of the weights is made for: on a GPU it only holds them.
[[nodiscard]] Precision host_precision(const ModelInitConfig& model);

/// What the model's numbers are made by.
struct DeviceNumerics {
  std::string text;         ///< for the terminal
  std::string fingerprint;  ///< SHA-256 (hex) of what every operation makes of fixed inputs
};
[[nodiscard]] DeviceNumerics device_numerics(const ModelInitConfig& model);

/// The engine that the recipe names, for a model. Throws as check_device().
[[nodiscard]] std::unique_ptr<Engine> make_engine(const ModelInitConfig& model, Decoder& decoder,
                                                  Communicator& world);

}  // namespace reckon
