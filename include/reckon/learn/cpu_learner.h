#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/learn/learner.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/learn/sharded_adamw.h"
#include "reckon/learn/sharded_gradient.h"

namespace reckon {

/// The learner of a decoder on the CPU. A rank works on its share of the leaves (BatchConfig), a micro-batch
/// of them at a time; gradients are summed along a tree over the leaves (GradientTree), so that any
/// micro-batch and any number of ranks give the same bits. A rank holds the summed gradient and the
/// optimizer's moments of its part of the parameters alone (ShardedGradient, ShardedAdamW).
class CpuLearner : public Learner {
 public:
  /// \param decoder        what is updated; must outlive the learner, as must world
  /// \param total_updates  of the stage: the schedule's length
  /// \param reference      pi_ref, for losses whose kl_coef is not 0
  CpuLearner(Decoder& decoder, const OptimizerConfig& optimizer, const BatchConfig& batch,
             Communicator& world, std::int64_t total_updates,
             std::unique_ptr<const Decoder> reference = nullptr);

  UpdateStats update(std::span<const TrainSequence> sequences, const UpdateLoss& loss, float temperature,
                     const UpdateGate& gate) override;
  UpdateStats measure(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                      float temperature) override;
  std::vector<float> logprobs(std::span<const TrainSequence> sequences, float temperature) override;
  [[nodiscard]] std::int64_t updates() const override { return updates_; }
  void copy_moments(Range part, std::span<float> first, std::span<float> second) const override;
  void restore(std::int64_t updates, std::span<const float> first, std::span<const float> second) override;

 private:
  [[nodiscard]] std::int64_t num_leaves(std::span<const TrainSequence> sequences) const;
  template <class Visit>
  void visit_leaves(std::span<const TrainSequence> sequences, float temperature, Keep keep,
                    const Visit& visit);
  UpdateStats run_leaves(std::span<const TrainSequence> sequences, const UpdateLoss& loss, float temperature,
                         Keep keep);
  UpdateStats run_leaf(std::span<const TrainSequence> sequences, const UpdateLoss& loss, float temperature,
                       std::size_t leaf, std::size_t first_sequence);

  Decoder& decoder_;
  OptimizerConfig optimizer_;
  BatchConfig batch_;
  Communicator& world_;
  std::int64_t total_updates_;
  std::int64_t updates_ = 0;
  PolicyPass pass_;
  std::unique_ptr<const Decoder> reference_;
  std::optional<PolicyPass> reference_pass_;
  ShardedGradient gradient_;
  ShardedAdamW adamw_;
  std::vector<float> coef_;
};

}  // namespace reckon
