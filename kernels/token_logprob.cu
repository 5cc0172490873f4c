// token_logprob() of token_loss.h: 2 bytes a logit.
#include "row_loss.h"

namespace reckon::cuda {
namespace {

struct ForwardAlone {
  static constexpr bool kHasGradient = false;
  struct Row {
    float unused;
  };
  TokenOutputs out;

  [[nodiscard]] __device__ bool skips(std::int64_t) const { return false; }
  __device__ void write_skipped(std::int64_t) const {}
  [[nodiscard]] __device__ Row read(std::int64_t) const { return {0}; }
  __device__ Coefficients finish(std::int64_t row, const Row&, const TokenStatistics& token,
                                 bool writes) const {
    if (writes) write_token(out, row, token);
    return {};
  }
};

}  // namespace

void token_logprob(const RowPlan& plan, const LogitRows& logits, const std::uint32_t* token_ids,
                   float temperature, const TokenOutputs& out, Stream stream) {
  launch_row_loss("token_logprob", row_task(plan, logits, token_ids, temperature), ForwardAlone{out}, stream);
}

void token_logprob(const LogitRows& logits, const std::uint32_t* token_ids, float temperature,
                   const TokenOutputs& out, Stream stream) {
  check_rows("token_logprob", logits, temperature);
  require(logits.rows == 0 || token_ids != nullptr, "token_logprob", "token_ids is null (need it)");
  token_logprob(plan_row(logits.vocab, device_info()), logits, token_ids, temperature, out, stream);
}

}  // namespace reckon::cuda
