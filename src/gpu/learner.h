#pragma once

#include <memory>
#include <vector>

#include "gradient_reduction.h"
#include "head.h"
#include "kv_cache.h"
#include "packed_attention.h"
#include "paged_attention.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/learn/learner.h"
#include "reckon/learn/packed_batch.h"
#include "sharded_optimizer.h"

namespace reckon::gpu {

/// Attention of the learner's rows: forward our own or flash attention, backward always flash attention.
class LearnerAttention : public PassAttention {
 public:
  LearnerAttention(const Weights& weights, Numerics numerics, Stream stream);
  void set_rows(const PackedBatch& batch, const KvBlocks& cache);
  void forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
               float* lse) override;
  void backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                const float* lse, bf16* dq, bf16* dk, bf16* dv) override;

 private:
  Numerics numerics_;
  KvStore store_;
  PagedAttention paged_;
  PackedAttention packed_;
};

/// A micro-batch on the device: its rows, its targets, and a forward pass over them.
class DeviceBatch {
 public:
  DeviceBatch(const Weights& weights, Numerics numerics, Stream stream);

  /// One sequence's targets, in the order of the device.
  struct SequenceTargets {
    std::size_t sequence = 0;      ///< of the micro-batch
    std::size_t first_target = 0;  ///< of the batch
    std::size_t count = 0;
  };

  /// Lays the sequences out and uploads them; targets of sequences that have a gradient come first, so that
  /// the head's gradient is computed for no others. Waits for the stream. \param has_gradient  [S]; empty:
  /// all have
  void set(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
           const std::vector<bool>& has_gradient = {});
  [[nodiscard]] const PackedBatch& batch() const { return batch_; }
  [[nodiscard]] std::int64_t num_targets() const {
    return static_cast<std::int64_t>(batch_.targets().size());
  }
  /// The first ones, whose sequences have a gradient.
  [[nodiscard]] std::int64_t num_with_gradient() const { return num_with_gradient_; }
  [[nodiscard]] const std::vector<SequenceTargets>& sequences() const { return sequences_; }
  /// Values of the targets as the device has them, in the batch's order.
  [[nodiscard]] std::vector<float> in_batch_order(const std::vector<float>& values) const;
  [[nodiscard]] std::int64_t longest() const { return longest_; }
  [[nodiscard]] DeviceRows rows() const;
  [[nodiscard]] PassAttention& attention() { return attention_; }
  /// The head's rows of a pass that left its hidden states there.
  [[nodiscard]] HeadRows head_rows(const bf16* hidden) const {
    return {hidden, target_rows_.data(), num_targets()};
  }
  [[nodiscard]] const std::uint32_t* targets() const { return targets_.data(); }

 private:
  void order_targets(const std::vector<bool>& has_gradient);
  void upload();
  void upload_targets();

  const Weights& weights_;
  Stream stream_;
  PackedBatch batch_;
  KvBlocks blocks_;
  LearnerAttention attention_;
  std::vector<SequenceTargets> sequences_;
  std::int64_t longest_ = 0, num_tokens_ = 0, num_with_gradient_ = 0;
  cuda::DeviceArray<std::uint32_t> token_ids_, targets_, unique_tokens_;
  cuda::DeviceArray<std::int32_t> positions_, target_rows_, token_starts_, token_rows_;
};

/// A model that only computes log-probs: pi_ref.
class ReferenceModel {
 public:
  ReferenceModel(const Decoder& decoder, cuda::Gemm& gemm, Stream stream);
  /// \param logprob  [targets], device
  void logprobs(DeviceBatch& batch, float temperature, float* logprob);

 private:
  Stream stream_;
  Weights weights_;
  DecoderPass pass_;
  Head head_;
  cuda::DeviceArray<bf16> hidden_;
};

/// The learner of an engine's weights. Gradients of a rank's micro-batches are summed in their order, and
/// over the ranks by the communicator: the bits hold for one number of ranks and one micro-batch. Each rank
/// has the master weights and moments of its parameter_part() alone (ZeRO, arXiv:1910.02054, stage 1), and
/// the sum of the gradient there.
class GpuLearner : public Learner {
 public:
  /// All but the configurations must outlive it.
  GpuLearner(Weights& weights, cuda::Gemm& gemm, Stream stream, Numerics numerics,
             const OptimizerConfig& optimizer, const BatchConfig& batch, Communicator& world,
             DeviceCommunicator& devices, std::int64_t total_updates, const Decoder* reference);

  UpdateStats update(std::span<const TrainSequence> sequences, const UpdateLoss& loss, float temperature,
                     const UpdateGate& gate) override;
  UpdateStats measure(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                      float temperature) override;
  std::vector<float> logprobs(std::span<const TrainSequence> sequences, float temperature) override;
  [[nodiscard]] std::int64_t updates() const override { return updates_; }
  void copy_moments(Range part, std::span<float> first, std::span<float> second) const override;
  void restore(std::int64_t updates, std::span<const float> first, std::span<const float> second) override;
  /// Of the last update, before it was clipped: in this rank's parameter_part() summed over the ranks.
  [[nodiscard]] const cuda::DeviceArray<float>& gradients() const { return gradients_; }

 private:
  template <class Visit>
  void visit_micro_batches(std::span<const TrainSequence> sequences, const UpdateLoss* loss,
                           const Visit& visit);
  void forward(Keep keep);
  void upload_terms(const UpdateLoss& loss, std::size_t first_sequence, float temperature);
  void run_loss(const UpdateLoss& loss, float temperature, const HeadGradient& gradient);
  void compute_sequence_terms(const LossConfig& config, float temperature);
  void add_leaf_stats(const UpdateLoss& loss, std::size_t first_sequence, std::vector<UpdateStats>& leaves);
  void check_reference(const UpdateLoss& loss) const;

  Weights& weights_;
  Stream stream_;
  OptimizerConfig optimizer_config_;
  BatchConfig batch_config_;
  Communicator& world_;
  std::int64_t total_updates_;
  std::int64_t updates_ = 0;
  DecoderPass pass_;
  Head head_;
  DeviceBatch batch_;
  std::unique_ptr<ReferenceModel> reference_;
  cuda::DeviceArray<bf16> hidden_;
  cuda::DeviceArray<float> dhidden_, gradients_;
  GradientReduction reduction_;
  ShardedOptimizer optimizer_;
  // Of each target of the micro-batch.
  std::vector<float> host_sampler_, host_old_, host_advantage_, host_weight_;
  cuda::DeviceArray<float> sampler_, old_, advantage_, weight_, gap_, sequence_importance_,
      reference_logprob_, logprob_, entropy_;
  cuda::DeviceArray<std::int32_t> completion_starts_;
  std::vector<std::int32_t> host_completion_starts_;
};

}  // namespace reckon::gpu
