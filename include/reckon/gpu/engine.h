#pragma once

#include <memory>
#include <string>

#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/learn/learner.h"
#include "reckon/model/config.h"
#include "reckon/model/decoder.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon::gpu {

/// The GPU that this rank computes on: ranks of one host take its devices in turn. Makes it the thread's
/// device. \throws Error(environment) where there is none for it.
[[nodiscard]] int choose_device();

/// Whether any two ranks have chosen one GPU. Collective.
[[nodiscard]] bool ranks_share_devices(Communicator& world);

/// SHA-256 (hex) of what sampling from and training a small fixed model gives on this rank's GPU: two
/// machines with the same fingerprint compute with the same bits. Takes a second.
[[nodiscard]] std::string numerics_fingerprint(Numerics numerics);

/// A decoder on a GPU: bfloat16 products, float32 sums, residual stream, master weights and optimizer.
///   Numerics::exact  sampler and learner run the same attention and the same product algorithms, whose
///   results for a row do not depend
///                    on the other rows: their log-probs are equal
///   Numerics::fast   the learner takes flash attention and the products what is fastest: log-probs differ in
///   the last places, and
///                    off_policy corrects for it
/// The weights are on the device once: sampler and learner of one engine share them.
class Engine {
 public:
  /// \param decoder  the weights to start from; written again by fetch_weights(). Must outlive the engine.
  /// \throws Error(usage) where its compute or kv dtype is not bfloat16, or its shape is not for vector loads
  Engine(Decoder& decoder, Numerics numerics);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] std::unique_ptr<SamplingBackend> sampling_backend();
  /// The learner of the engine's weights. A stage has one. \param devices  sums gradients; must outlive it,
  /// as the others \param reference  pi_ref, for losses whose kl_coef is not 0, or null
  [[nodiscard]] std::unique_ptr<Learner> learner(const OptimizerConfig& optimizer, const BatchConfig& batch,
                                                 Communicator& world, DeviceCommunicator& devices,
                                                 std::int64_t total_updates, const Decoder* reference);
  /// Writes the weights into the decoder, where they have changed since. The decoder must be repacked before
  /// it computes itself. Collective where a learner of several ranks has been made: each rank has its part.
  void fetch_weights();
  /// Computes from here on with the weights that the decoder has been given.
  void store_weights();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reckon::gpu
