#include "reckon/ops/token_logprob.h"

#include <stdexcept>
#include <string>

#include "kernels/kernels.h"

namespace reckon {

void token_logprob(std::span<const float> logits, std::span<const std::uint32_t> token_ids, float temperature,
                   std::span<float> logprob, std::span<float> entropy, std::span<float> lse) {
  const std::size_t vocab = token_ids.empty() ? 0 : logits.size() / token_ids.size();
  const float inverse = 1.0f / temperature;
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    if (token_ids[t] >= vocab) {
      throw std::invalid_argument("token_logprob: token " + std::to_string(token_ids[t]) +
                                  " of a vocabulary of " + std::to_string(vocab));
    }
    const float* row = logits.data() + t * vocab;
    float log_total = 0;
    kernels().softmax_statistics(row, static_cast<std::int64_t>(vocab), inverse, &log_total,
                                 entropy.empty() ? nullptr : &entropy[t]);
    logprob[t] = row[token_ids[t]] * inverse - log_total;
    if (!lse.empty()) lse[t] = log_total;
  }
}

void token_logprob_backward(std::span<const float> coef, std::span<const std::uint32_t> token_ids,
                            float temperature, std::span<const float> lse, std::span<float> logits) {
  const std::size_t vocab = token_ids.empty() ? 0 : logits.size() / token_ids.size();
  const float inverse = 1.0f / temperature;
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    kernels().token_logprob_backward(logits.data() + t * vocab, static_cast<std::int64_t>(vocab), inverse,
                                     lse[t], coef[t] * inverse, token_ids[t]);
  }
}

}  // namespace reckon
