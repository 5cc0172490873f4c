#pragma once

#include <cstdint>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/stream.h"

/// Losses from logits: one pass over each row, in place. All pointers are device memory. R rows of V logits,
/// bfloat16; row r starts at logits + r * stride, and stride is a multiple of 8 (16 bytes); values between V
/// and stride are neither read as logits nor changed. Offsets are 64-bit. A row's results depend on V and the
/// row alone: not on R, the grid or the GPU's load, and log-probability, entropy and lse have the same bits
/// from whichever function gives them. A logit may be -inf. A row that holds NaN or +inf, whose token is -inf
/// or not below V gives numbers that are not finite. GPUs before sm_90 read a row from memory in each pass:
/// three times. All functions throw std::invalid_argument for a stride, temperature, V or address that they
/// do not take, and do nothing for 0 rows.
namespace reckon::cuda {

/// Rows of logits.
struct LogitRows {
  bf16* logits = nullptr;
  std::int64_t rows = 0;
  std::int64_t vocab = 0;
  std::int64_t stride = 0;
};

/// What comes out for each row, [R] each; null where it is not wanted. Natural logarithms, nats.
struct TokenOutputs {
  float* logprob = nullptr;  ///< log p(token) at the temperature: x[token] / T - lse
  float* entropy = nullptr;  ///< lse - sum_v p_v x_v / T
  float* lse = nullptr;      ///< log sum_v exp(x_v / T)
};

/// Forward alone: log-probability and entropy of each row's token; 2 bytes a logit. logits are not changed.
void token_logprob(const LogitRows& logits, const std::uint32_t* token_ids, float temperature,
                   const TokenOutputs& out, Stream stream);

/// How completions are compared with the policy that sampled them: learn/config.h says the same for the CPU.
enum class ImportanceLevel : std::int32_t {
  token,     ///< ratio of each token (GRPO)
  sequence,  ///< exp of the mean log ratio of the completion (GSPO, arXiv:2507.18071, Eq. 7):
             ///< sequence_logprob_gap() first
};

/// What makes up for a sampler that was another policy: learn/config.h says the same for the CPU.
enum class OffPolicy : std::int32_t {
  none,           ///< ratios are to sampler_logprob
  tis,            ///< ratios are to old_logprob; min(exp(old - sampler), off_policy_cap) times the term
  sequence_mask,  ///< ratios are to old_logprob; whole completions count or do not: sequence_mask() first
};

/// The clipped objective of DeepSeekMath (arXiv:2402.03300), Eq. 3 and 4, as policy_objective() of
/// reckon/learn/objective.h.
struct GrpoSettings {
  float temperature = 1;
  double clip_eps_low = 0.2;
  double clip_eps_high = 0.2;
  double kl_coef = 0;  ///< estimator k3; 0 reads no reference_logprob
  OffPolicy off_policy = OffPolicy::none;
  double off_policy_cap = 2;  ///< at least 1
  double entropy_coef =
      0;  ///< the entropy bonus: loss -= entropy_coef * weight * entropy; its gradient is in dlogits
  ImportanceLevel level = ImportanceLevel::token;
};

/// What is known of each row's token before the pass, [R] each.
struct GrpoInputs {
  const std::uint32_t* token_ids = nullptr;
  const float* sampler_logprob = nullptr;  ///< log pi_old of the policy that sampled
  const float* old_logprob = nullptr;  ///< with off_policy: the learner's own log pi_old; null: the policy's,
                                       ///< now (ratio exactly 1)
  const float* reference_logprob = nullptr;  ///< where kl_coef is not 0
  const float* advantage = nullptr;
  const float* weight = nullptr;  ///< token_weight(): the share of the token in the loss. 0: the row is not
                                  ///< read, its dlogits are 0 and its outputs are 0
  // Of the row's completion:
  const float* sequence_gap = nullptr;  ///< with ImportanceLevel::sequence: mean_t(policy_t - old_t)
  /// With ImportanceLevel::sequence and tis the mean of its tokens' importance weights, with which its ratio
  /// moves the sum of its terms; with sequence_mask 1, or 0 where it is left out
  const float* sequence_importance = nullptr;
};

/// What comes out for each row, [R] each; null where it is not wanted.
struct GrpoOutputs {
  TokenOutputs token;
  float* loss = nullptr;  ///< the row's part of the loss, weight included
  float* ratio = nullptr;
  float* kl = nullptr;          ///< k3
  float* clipped = nullptr;     ///< 1 where the clipped branch was taken, else 0
  float* importance = nullptr;  ///< the importance weight that the term is multiplied by
};

/// The GRPO loss and its gradient: dlogits over the logits, in place; each logit is read once and written
/// once (4 bytes). With advantage 0, kl_coef 0 and entropy_coef 0 a row has no gradient: where no output of
/// it is wanted either (all null) it is only zeroed. Rows that outgrow the shared memory of one block are
/// split over a cluster of blocks (sm_90 and later).
void grpo_loss(const LogitRows& logits, const GrpoInputs& in, const GrpoSettings& settings,
               const GrpoOutputs& out, Stream stream);

/// gap[s] = mean over the rows offsets[s] .. offsets[s + 1] - 1 of logprob - old, float64; written to each of
/// the rows. \param offsets  [S + 1]
void sequence_logprob_gap(const float* logprob, const float* old_logprob, const std::int32_t* offsets,
                          std::int64_t sequences, float* gap, Stream stream);
/// The same of the importance weights min(exp(old - sampler), cap). importance [R], written
void sequence_importance(const float* old_logprob, const float* sampler_logprob, const std::int32_t* offsets,
                         std::int64_t sequences, double cap, float* importance, Stream stream);
/// keep[r] of all rows of a sequence: 1 where |sum of old - sampler over them| <= log(cap), else 0; NaN where
/// the sum is none. keep [R], written
void sequence_mask(const float* old_logprob, const float* sampler_logprob, const std::int32_t* offsets,
                   std::int64_t sequences, double cap, float* keep, Stream stream);

/// Cross-entropy: loss[r] = -weight[r] * logprob[r]; dlogits in place, as grpo_loss. weight 0: not read, zero
/// gradient and outputs.
void cross_entropy_loss(const LogitRows& logits, const std::uint32_t* token_ids, const float* weight,
                        float temperature, float* loss, const TokenOutputs& out, Stream stream);

/// A teacher's distribution at each row: its top k words with their log-probabilities, [R, k] each. What is
/// left, 1 - sum p, is one more outcome (the tail), of at least 2^-24: float32 does not tell a smaller one
/// from none; with k = V there is no tail. The student's tail is what it gives to all other words. The words
/// of a row are distinct; k is at most 512.
struct TopKTeacher {
  const std::uint32_t* token_ids = nullptr;
  const float* logprobs = nullptr;
  std::int64_t k = 0;
};
enum class KlDirection : std::int32_t {
  forward /* KL(teacher || student) */,
  reverse /* KL(student || teacher) */
};
/// Distillation from a teacher's top k: loss[r] = weight[r] * KL over the k + 1 outcomes; dlogits in place.
/// With p_o and q_o of student and teacher for the outcome o of word v, dlogits are weight / T times
/// p_v (sum q - q_o / p_o), the other way p_v (log(p_o / q_o) - KL). weight 0: not read, zeros.
void top_k_kl_loss(const LogitRows& logits, const TopKTeacher& teacher, KlDirection direction,
                   const float* weight, float temperature, float* loss, Stream stream);
/// From a teacher's full logits (rows of the same V; its temperature is the same): 6 bytes a logit. dlogits
/// are weight / T times p - q, the other way p (log(p / q) - KL).
void full_kl_loss(const LogitRows& logits, const bf16* teacher_logits, std::int64_t teacher_stride,
                  KlDirection direction, const float* weight, float temperature, float* loss, Stream stream);

}  // namespace reckon::cuda
