#include "reckon/ops/fingerprint.h"

#include <span>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/base/sha256.h"
#include "reckon/ops/adamw.h"
#include "reckon/ops/attention.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/linear.h"
#include "reckon/ops/norm_rope.h"
#include "reckon/ops/sample_token.h"
#include "reckon/ops/sums.h"
#include "reckon/ops/swiglu.h"
#include "reckon/ops/token_logprob.h"

namespace reckon {
namespace {

using Values = std::vector<float>;

// Sizes with whole vectors, panels and row blocks, and with what is left of them.
constexpr std::int64_t kRows = 83, kIn = 200, kOut = 150;
constexpr std::int64_t kHeads = 4, kKvHeads = 2, kDim = 48;

/// Numbers in [-1, 1), the same on every machine: no function of a library is in them.
Values fixed_values(std::int64_t count, std::uint32_t name) {
  RandomStream random(0x66696E67u, name);
  Values values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.uniform() * 2.0 - 1.0);
  return values;
}

Values zeros(std::int64_t count) {
  return Values(static_cast<std::size_t>(count));
}

class Fingerprint {
 public:
  void take(std::span<const float> values) { hash_.update(std::as_bytes(values)); }
  void take(double value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
  [[nodiscard]] std::string hex_digest() { return hash_.hex_digest(); }

 private:
  Sha256 hash_;
};

void take_linear(Fingerprint& print, ComputeDtype dtype) {
  const Values x = fixed_values(kRows * kIn, 1);
  const Values weight = fixed_values(kOut * kIn, 2);
  const Values bias = fixed_values(kOut, 3);
  const PackedWeight packed(weight, kOut, kIn, dtype);
  Values y = zeros(kRows * kOut);
  Values dx = zeros(kRows * kIn);
  Values dweight = zeros(kOut * kIn);
  Values dbias = zeros(kOut);
  linear(x, packed, y);
  add_bias(y, bias);
  linear_backward_input(y, packed, dx);
  linear_backward_weight(y, x, kOut, kIn, dweight, dtype);
  bias_backward(y, dbias);
  for (const Values* values : {&y, &dx, &dweight, &dbias}) print.take(*values);
}

void take_norms(Fingerprint& print) {
  const Values x = fixed_values(kRows * kIn, 4);
  const Values weight = fixed_values(kIn, 5);
  Values y = zeros(kRows * kIn);
  Values inv_rms = zeros(kRows);
  Values dx = zeros(kRows * kIn);
  Values dweight = zeros(kIn);
  rms_norm(x, weight, 1e-6, y, inv_rms);
  rms_norm_backward(y, x, weight, inv_rms, dx, dweight);
  for (const Values* values : {&y, &inv_rms, &dx, &dweight}) print.take(*values);

  const HeadSlice slice{kIn, 8, kHeads, kDim};
  RopeTable table(RopeTable::frequencies(kDim, 10000.0));
  table.extend_to(kRows);
  std::vector<std::int32_t> positions;
  for (std::int32_t p = 0; p < kRows; ++p) positions.push_back(p);
  Values heads = zeros(kRows * kHeads * kDim);
  Values head_inv_rms = zeros(kRows * kHeads);
  Values dhead_weight = zeros(kDim);
  const auto head_weight = std::span(weight).first(kDim);
  norm_rope(x, slice, head_weight, 1e-6, table, positions, heads, head_inv_rms);
  norm_rope_backward(heads, x, slice, head_weight, head_inv_rms, table, positions, dx, dhead_weight);
  for (const Values* values : {&heads, &dx, &dhead_weight}) print.take(*values);
  rope(x, slice, table, positions, heads);
  rope_backward(heads, slice, table, positions, dx);
  for (const Values* values : {&heads, &dx}) print.take(*values);
}

void take_attention(Fingerprint& print, ComputeDtype dtype) {
  const Values q = fixed_values(kRows * kHeads * kDim, 6);
  const Values k = fixed_values(kRows * kKvHeads * kDim, 7);
  const Values v = fixed_values(kRows * kKvHeads * kDim, 8);
  KvCache cache;
  cache.reset({1, kKvHeads, kDim, dtype}, KvCache::blocks_for(kRows));
  const std::int32_t slot = cache.open(kRows);
  std::vector<RowPosition> rows;
  for (std::int32_t t = 0; t < kRows; ++t) {
    rows.push_back({slot, t});
    cache.put(0, slot, t, k.data() + t * kKvHeads * kDim, v.data() + t * kKvHeads * kDim);
  }
  Values out = zeros(kRows * kHeads * kDim);
  Values lse = zeros(kRows * kHeads);
  Values dq = zeros(kRows * kHeads * kDim);
  Values dk = zeros(kRows * kKvHeads * kDim);
  Values dv = zeros(kRows * kKvHeads * kDim);
  attention(q, rows, cache, 0, kHeads, out, lse);
  const RowRun run{0, kRows, slot, 0, 0};
  attention_backward(q, out, q, lse, {&run, 1}, cache, 0, kHeads, dq, dk, dv);
  for (const Values* values : {&out, &lse, &dq, &dk, &dv}) print.take(*values);
}

void take_elementwise(Fingerprint& print) {
  const Values gate_up = fixed_values(kRows * 2 * kOut, 9);
  Values h = zeros(kRows * kOut);
  Values dgate_up = zeros(kRows * 2 * kOut);
  swiglu(gate_up, kOut, h);
  swiglu_backward(h, gate_up, kOut, dgate_up);
  Values weight = fixed_values(kRows * kOut, 10);
  Values first = zeros(kRows * kOut);
  Values second = zeros(kRows * kOut);
  adamw(weight, h, first, second, {.learning_rate = 1e-2, .weight_decay = 0.1});
  for (const Values* values : {&h, &dgate_up, &weight, &first, &second}) print.take(*values);
  print.take(sum_of_squares(weight));

  const std::vector<std::uint32_t> ids{5, 0, 5, 149};
  Values x = zeros(4 * kRows);
  Values dtable = zeros(kOut * kRows);
  embedding(weight, kRows, ids, x);
  embedding_backward(x, kRows, ids, dtable);
  for (const Values* values : {&x, &dtable}) print.take(*values);
}

void take_softmax(Fingerprint& print) {
  Values logits = fixed_values(kRows * kOut, 11);
  for (float& logit : logits) logit *= 8.0f;
  std::vector<std::uint32_t> ids;
  for (std::uint32_t t = 0; t < kRows; ++t) {
    const auto row = std::span(logits).subspan(t * kOut, kOut);
    const SampledToken sampled = sample_token(row, 0.8, {.seed = 7, .prompt_id = t}, t);
    ids.push_back(sampled.token_id);
    print.take(static_cast<double>(sampled.token_id));
    print.take({&sampled.logprob, 1});
  }
  Values logprob = zeros(kRows);
  Values entropy = zeros(kRows);
  Values lse = zeros(kRows);
  token_logprob(logits, ids, 0.8f, logprob, entropy, lse);
  token_logprob_backward(logprob, ids, 0.8f, lse, logits);
  for (const Values* values : {&logprob, &entropy, &lse, &logits}) print.take(*values);
}

}  // namespace

std::string numerics_fingerprint(Precision precision) {
  Fingerprint print;
  take_linear(print, ComputeDtype::float32);
  take_attention(print, ComputeDtype::float32);
  if (precision.compute == ComputeDtype::bfloat16) take_linear(print, precision.compute);
  if (precision.kv == ComputeDtype::bfloat16) take_attention(print, precision.kv);
  take_norms(print);
  take_elementwise(print);
  take_softmax(print);
  return print.hex_digest();
}

}  // namespace reckon
