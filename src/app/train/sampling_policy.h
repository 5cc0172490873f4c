#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/engine.h"
#include "reckon/rollout/sampler.h"

namespace reckon {

/// Weights by the step that made them; the first ones of a stage by 0.
struct PolicyVersion {
  std::int64_t step = 0;
  std::int64_t updates = 0;    ///< that they have seen: Completion::policy_version
  std::string sha256;          ///< as Decoder::sha256()
  std::vector<float> weights;  ///< all parameters
};
using PolicyVersions = std::map<std::int64_t, PolicyVersion>;

/// The policy as it was after some step: a copy of the model that samples by other weights than those that
/// are being updated.
class SamplingPolicy {
 public:
  /// \param like  a model of the same shape
  SamplingPolicy(const ModelInitConfig& model, const Decoder& like);

  /// Goes over to these weights. \throws Error(internal) where their SHA-256 is not what it was where they
  /// come from
  void use(const PolicyVersion& version);
  /// The step whose weights are in use; -1: none yet.
  [[nodiscard]] std::int64_t step() const { return step_; }
  [[nodiscard]] std::int64_t updates() const { return updates_; }
  [[nodiscard]] Engine& engine() { return *engine_; }

 private:
  std::unique_ptr<Communicator> alone_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Engine> engine_;
  std::int64_t step_ = -1, updates_ = 0;
};

}  // namespace reckon
