// cross_entropy_loss() of token_loss.h: 4 bytes a logit.
#include "row_loss.h"

namespace reckon::cuda {
namespace {

struct CrossEntropy {
  static constexpr bool kHasGradient = true;
  struct Row {
    float weight;
  };
  const float* weight;
  float* loss;
  TokenOutputs out;

  [[nodiscard]] __device__ bool skips(std::int64_t row) const { return weight[row] == 0; }
  __device__ void write_skipped(std::int64_t row) const {
    write_token(out, row, {});
    if (loss != nullptr) loss[row] = 0;
  }
  [[nodiscard]] __device__ Row read(std::int64_t row) const { return {weight[row]}; }
  __device__ Coefficients finish(std::int64_t row, const Row& known, const TokenStatistics& token,
                                 bool writes) const {
    if (writes) {
      write_token(out, row, token);
      if (loss != nullptr) loss[row] = -known.weight * token.logprob;
    }
    return {.coef = -static_cast<double>(known.weight)};
  }
};

}  // namespace

void cross_entropy_loss(const RowPlan& plan, const LogitRows& logits, const std::uint32_t* token_ids,
                        const float* weight, float temperature, float* loss, const TokenOutputs& out,
                        Stream stream) {
  launch_row_loss("cross_entropy_loss", row_task(plan, logits, token_ids, temperature),
                  CrossEntropy{weight, loss, out}, stream);
}

void cross_entropy_loss(const LogitRows& logits, const std::uint32_t* token_ids, const float* weight,
                        float temperature, float* loss, const TokenOutputs& out, Stream stream) {
  check_rows("cross_entropy_loss", logits, temperature);
  require(logits.rows == 0 || (token_ids != nullptr && weight != nullptr), "cross_entropy_loss",
          "token_ids or weight is null (need both)");
  cross_entropy_loss(plan_row(logits.vocab, device_info()), logits, token_ids, weight, temperature, loss, out,
                     stream);
}

}  // namespace reckon::cuda
