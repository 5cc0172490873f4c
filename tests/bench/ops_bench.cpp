// The operations at the shapes of a small model (hidden 256, inner 768, 4 query and 2 key heads of 64, 512
// words): 2,048 rows as the learner has them, 128 as decoding has. One thread. Products and attention give
// GFLOP/s, the others GB/s of what they must read and write.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/CPUBlas.h>
#include <benchmark/benchmark.h>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/ops/adamw.h"
#include "reckon/ops/attention.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/isa.h"
#include "reckon/ops/linear.h"
#include "reckon/ops/norm_rope.h"
#include "reckon/ops/sample_token.h"
#include "reckon/ops/sums.h"
#include "reckon/ops/swiglu.h"
#include "reckon/ops/token_logprob.h"

namespace {

using namespace reckon;  // NOLINT
using benchmark::Counter;
using benchmark::State;
using Floats = std::vector<float>;

constexpr std::int64_t kHidden = 256, kInner = 768, kHeads = 4, kKvHeads = 2, kDim = 64, kVocab = 512;
constexpr std::int64_t kRows = 2048, kSequences = 128, kDecoded = 96, kTrained = 128;

Floats values(std::int64_t count, std::uint64_t seed = 1) {
  RandomStream random(seed, 0x62656e63u);
  Floats result(static_cast<std::size_t>(count));
  for (float& value : result) value = static_cast<float>(random.normal());
  return result;
}

/// `each` a second: a counter that says GFLOP/s or GB/s.
void rate(State& state, const char* name, double each) {
  state.counters[name] = Counter(each * 1e-9, Counter::kIsIterationInvariantRate);
}

/// Runs work() and reports that rate.
template <class Work>
void measure(State& state, const char* name, double each, const Work& work) {
  work();  // workspaces grow once; kernels of oneDNN are made once
  for (auto _ : state) {
    work();
    benchmark::ClobberMemory();
  }
  rate(state, name, each);
}

template <class Work>
void measure_flops(State& state, double flops, const Work& work) {
  measure(state, "GFLOP/s", flops, work);
}

/// \param floats  read and written, together
template <class Work>
void measure_bytes(State& state, std::int64_t floats, const Work& work) {
  measure(state, "GB/s", 4.0 * static_cast<double>(floats), work);
}

struct Product {
  std::int64_t rows, in, out;
  [[nodiscard]] double flops() const { return 2.0 * static_cast<double>(rows * in * out); }
};

void bench_linear(State& state, Product p, ComputeDtype dtype) {
  const Floats x = values(p.rows * p.in), w = values(p.out * p.in, 2);
  const PackedWeight weight(w, p.out, p.in, dtype);
  Floats y(static_cast<std::size_t>(p.rows * p.out));
  measure_flops(state, p.flops(), [&] { linear(x, weight, y); });
}

void bench_linear_backward_input(State& state, Product p, ComputeDtype dtype) {
  const Floats dy = values(p.rows * p.out), w = values(p.out * p.in, 2);
  const PackedWeight weight(w, p.out, p.in, dtype);
  Floats dx(static_cast<std::size_t>(p.rows * p.in));
  measure_flops(state, p.flops(), [&] { linear_backward_input(dy, weight, dx); });
}

void bench_linear_backward_weight(State& state, Product p, ComputeDtype dtype) {
  const Floats dy = values(p.rows * p.out), x = values(p.rows * p.in, 2);
  Floats dw(static_cast<std::size_t>(p.out * p.in));
  measure_flops(state, p.flops(), [&] { linear_backward_weight(dy, x, p.out, p.in, dw, dtype); });
}

void bench_pack(State& state, Product p, ComputeDtype dtype) {
  const Floats w = values(p.out * p.in);
  PackedWeight weight(w, p.out, p.in, dtype);
  measure_bytes(state, 2 * p.out * p.in, [&] { weight.pack(); });
}

/// One product for all rows and columns, weight [in, out]: what the panels of linear() are to reach.
void bench_brgemm(State& state, Product p) {
  const Floats x = values(p.rows * p.in), w = values(p.in * p.out, 2);
  Floats y(static_cast<std::size_t>(p.rows * p.out));
  measure_flops(state, p.flops(), [&] {
    at::native::cpublas::brgemm(p.rows, p.out, p.in, p.in, p.out, p.out, false, x.data(), w.data(), y.data());
  });
}

/// The same with bfloat16, the weight in pairs of inputs. What the numbers are does not matter here.
void bench_brgemm_bf16(State& state, Product p) {
  const std::vector<at::BFloat16> x(static_cast<std::size_t>(p.rows * p.in), 0.5f);
  const std::vector<at::BFloat16> w(static_cast<std::size_t>(p.in * p.out), 0.25f);
  Floats y(static_cast<std::size_t>(p.rows * p.out));
  measure_flops(state, p.flops(), [&] {
    at::native::cpublas::brgemm(p.rows, p.out, p.in, p.in, p.out, p.out, false, x.data(), w.data(), y.data());
  });
}

void bench_at_mm(State& state, Product p, at::ScalarType type) {
  const at::Tensor x = at::randn({p.rows, p.in}).to(type), w = at::randn({p.in, p.out}).to(type);
  at::Tensor y = at::empty({p.rows, p.out}, type);
  measure_flops(state, p.flops(), [&] { at::mm_out(y, x, w); });
}

/// What torch.compile calls for a linear layer: oneDNN with a weight in its own layout.
void bench_linear_pointwise(State& state, Product p, at::ScalarType type) {
  const at::Tensor x = at::randn({p.rows, p.in}).to(type), w = at::randn({p.out, p.in}).to(type);
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto reorder = dispatcher.findSchemaOrThrow("mkldnn::_reorder_linear_weight", "");
  const auto pointwise = dispatcher.findSchemaOrThrow("mkldnn::_linear_pointwise", "");
  torch::jit::Stack packed{w, p.rows};
  reorder.callBoxed(packed);
  measure_flops(state, p.flops(), [&] {
    torch::jit::Stack stack{x, packed[0], c10::IValue(), "none", c10::List<std::optional<at::Scalar>>(), ""};
    pointwise.callBoxed(stack);
    benchmark::DoNotOptimize(stack[0].toTensor().data_ptr());
  });
}

/// Sequences of one length with their keys and values.
struct Sequences {
  KvCache cache;
  std::vector<RowPosition> rows;
  std::vector<RowRun> runs;
  Floats q, k, v;

  Sequences(std::int64_t count, std::int64_t length, ComputeDtype dtype) {
    cache.reset({1, kKvHeads, kDim, dtype}, count * KvCache::blocks_for(length));
    k = values(count * length * kKvHeads * kDim, 1);
    v = values(count * length * kKvHeads * kDim, 2);
    q = values(count * length * kHeads * kDim, 3);
    for (std::int64_t s = 0; s < count; ++s) {
      const std::int32_t slot = cache.open(length);
      runs.push_back({s * length, length, slot, 0, 0});
      for (std::int64_t t = 0; t < length; ++t) {
        const std::int64_t at = (s * length + t) * kKvHeads * kDim;
        cache.put(0, slot, t, k.data() + at, v.data() + at);
        rows.push_back({slot, static_cast<std::int32_t>(t)});
      }
    }
  }
};

/// Products of two numbers and their sums, for all rows, heads and earlier positions.
double attention_flops(std::int64_t positions, int products) {
  return 2.0 * products * static_cast<double>(positions * kHeads * kDim);
}

void bench_attention(State& state, ComputeDtype dtype) {
  constexpr std::int64_t kCount = kRows / kTrained;
  const Sequences s(kCount, kTrained, dtype);
  Floats out(s.q.size());
  measure_flops(state, attention_flops(kCount * kTrained * (kTrained + 1) / 2, 2),
                [&] { attention(s.q, s.rows, s.cache, 0, kHeads, out); });
}

void bench_attention_backward(State& state, ComputeDtype dtype) {
  constexpr std::int64_t kCount = kRows / kTrained;
  const Sequences s(kCount, kTrained, dtype);
  Floats out(s.q.size()), lse(s.rows.size() * kHeads), dq(s.q.size()), dk(s.k.size()), dv(s.v.size());
  attention(s.q, s.rows, s.cache, 0, kHeads, out, lse);
  measure_flops(state, attention_flops(kCount * kTrained * (kTrained + 1) / 2, 5),
                [&] { attention_backward(s.q, out, s.q, lse, s.runs, s.cache, 0, kHeads, dq, dk, dv); });
}

void bench_attention_decode(State& state, ComputeDtype dtype) {
  const Sequences s(kSequences, kDecoded, dtype);
  std::vector<RowPosition> rows;
  for (const RowRun& run : s.runs) rows.push_back({run.slot, kDecoded - 1});
  const Floats q = values(kSequences * kHeads * kDim);
  Floats out(q.size());
  measure_flops(state, attention_flops(kSequences * kDecoded, 2),
                [&] { attention(q, rows, s.cache, 0, kHeads, out); });
}

void bench_rms_norm(State& state) {
  const Floats x = values(kRows * kHidden), weight = values(kHidden, 2);
  Floats y(x.size());
  measure_bytes(state, 2 * kRows * kHidden, [&] { rms_norm(x, weight, 1e-6, y); });
}

void bench_rms_norm_backward(State& state) {
  const Floats x = values(kRows * kHidden), weight = values(kHidden, 2), dy = values(kRows * kHidden, 3);
  Floats y(x.size()), inverse(kRows), dx(x.size()), dweight(kHidden);
  rms_norm(x, weight, 1e-6, y, inverse);
  measure_bytes(state, 4 * kRows * kHidden, [&] { rms_norm_backward(dy, x, weight, inverse, dx, dweight); });
}

/// Queries in rows of queries, keys and values.
struct Heads {
  HeadSlice slice{(kHeads + 2 * kKvHeads) * kDim, 0, kHeads, kDim};
  RopeTable table{RopeTable::frequencies(kDim, 1e4)};
  std::vector<std::int32_t> positions;
  Floats qkv = values(kRows * slice.stride), weight = values(kDim, 2);
  Floats out = values(kRows * kHeads * kDim, 3), inverse = Floats(kRows * kHeads);

  Heads() {
    table.extend_to(kTrained);
    for (std::int64_t t = 0; t < kRows; ++t) positions.push_back(static_cast<std::int32_t>(t % kTrained));
  }
};

void bench_norm_rope(State& state) {
  Heads h;
  measure_bytes(state, 2 * kRows * kHeads * kDim,
                [&] { norm_rope(h.qkv, h.slice, h.weight, 1e-6, h.table, h.positions, h.out, h.inverse); });
}

void bench_norm_rope_backward(State& state) {
  Heads h;
  norm_rope(h.qkv, h.slice, h.weight, 1e-6, h.table, h.positions, h.out, h.inverse);
  Floats dqkv(h.qkv.size()), dweight(kDim);
  measure_bytes(state, 3 * kRows * kHeads * kDim, [&] {
    norm_rope_backward(h.out, h.qkv, h.slice, h.weight, h.inverse, h.table, h.positions, dqkv, dweight);
  });
}

void bench_rope(State& state) {
  Heads h;
  measure_bytes(state, 2 * kRows * kHeads * kDim, [&] { rope(h.qkv, h.slice, h.table, h.positions, h.out); });
}

void bench_swiglu(State& state) {
  const Floats gate_up = values(kRows * 2 * kInner);
  Floats h(kRows * kInner);
  measure_bytes(state, 3 * kRows * kInner, [&] { swiglu(gate_up, kInner, h); });
}

void bench_swiglu_backward(State& state) {
  const Floats gate_up = values(kRows * 2 * kInner), dh = values(kRows * kInner, 2);
  Floats h(kRows * kInner), dgate_up(gate_up.size());
  measure_bytes(state, 6 * kRows * kInner, [&] { swiglu_backward(dh, gate_up, kInner, dgate_up, h); });
}

void bench_token_logprob(State& state) {
  const Floats logits = values(kRows * kVocab);
  const std::vector<std::uint32_t> ids(kRows, 7);
  Floats logprob(kRows), entropy(kRows), lse(kRows);
  measure_bytes(state, kRows * kVocab, [&] { token_logprob(logits, ids, 0.9f, logprob, entropy, lse); });
}

void bench_token_logprob_backward(State& state) {
  Floats logits(kRows * kVocab, 0.1f);  // overwritten again and again: small numbers that stay so
  const std::vector<std::uint32_t> ids(kRows, 7);
  const Floats coef(kRows, 0.1f), lse(kRows, 6.3f);
  measure_bytes(state, 2 * kRows * kVocab, [&] { token_logprob_backward(coef, ids, 0.9f, lse, logits); });
}

void bench_sample_token(State& state, std::int64_t vocab) {
  const Floats logits = values(kSequences * vocab);
  measure_bytes(state, kSequences * vocab, [&] {
    for (std::uint32_t s = 0; s < kSequences; ++s) {
      const auto row =
          std::span(logits).subspan(s * static_cast<std::size_t>(vocab), static_cast<std::size_t>(vocab));
      benchmark::DoNotOptimize(sample_token(row, 1.0, {.seed = 1, .sample_index = s}, 5));
    }
  });
}

void bench_embedding(State& state) {
  const Floats table = values(kVocab * kHidden);
  std::vector<std::uint32_t> ids;
  for (std::int64_t t = 0; t < kRows; ++t) ids.push_back(static_cast<std::uint32_t>(t * 37 % kVocab));
  Floats x(kRows * kHidden);
  measure_bytes(state, 2 * kRows * kHidden, [&] { embedding(table, kHidden, ids, x); });
}

void bench_bias(State& state) {
  Floats y = values(kRows * kHidden);
  const Floats bias(kHidden, 1e-3f);
  measure_bytes(state, 2 * kRows * kHidden, [&] { add_bias(y, bias); });
}

void bench_bias_backward(State& state) {
  const Floats dy = values(kRows * kHidden);
  Floats dbias(kHidden);
  measure_bytes(state, kRows * kHidden, [&] { bias_backward(dy, dbias); });
}

constexpr std::int64_t kParameters = 4'000'000;

void bench_adamw(State& state) {
  Floats w = values(kParameters), m(w.size()), v(w.size());
  const Floats gradient = values(kParameters, 2);
  measure_bytes(state, 7 * kParameters,
                [&] { adamw(w, gradient, m, v, {.learning_rate = 1e-3, .weight_decay = 0.1}); });
}

void bench_sum_of_squares(State& state) {
  const Floats x = values(kParameters);
  measure_bytes(state, kParameters, [&] { benchmark::DoNotOptimize(sum_of_squares(x)); });
}

void add_products(bool has_bfloat16) {
  const auto name = [](const char* what, const Product& p, const char* dtype) {
    return std::string(what) + "/" + dtype + "/" + std::to_string(p.in) + "to" + std::to_string(p.out) + "/" +
           std::to_string(p.rows);
  };
  const auto add = [](const std::string& named, auto function, auto... arguments) {
    benchmark::RegisterBenchmark(named.c_str(), function, arguments...);
  };
  for (const std::int64_t rows : {kRows, kSequences}) {
    for (const Product& p : {Product{rows, kHidden, (kHeads + 2 * kKvHeads) * kDim},
                             Product{rows, kHidden, 2 * kInner}, Product{rows, kInner, kHidden}}) {
      add(name("linear", p, "float32"), bench_linear, p, ComputeDtype::float32);
      add(name("brgemm", p, "float32"), bench_brgemm, p);
      add(name("at::mm", p, "float32"), bench_at_mm, p, at::kFloat);
      add(name("_linear_pointwise", p, "float32"), bench_linear_pointwise, p, at::kFloat);
      add(name("at::mm", p, "bfloat16"), bench_at_mm, p, at::kBFloat16);
      add(name("_linear_pointwise", p, "bfloat16"), bench_linear_pointwise, p, at::kBFloat16);
      if (!has_bfloat16) continue;
      add(name("linear", p, "bfloat16"), bench_linear, p, ComputeDtype::bfloat16);
      add(name("brgemm", p, "bfloat16"), bench_brgemm_bf16, p);
    }
  }
  const Product wide{kRows, kHidden, 2 * kInner};
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
    if (dtype == ComputeDtype::bfloat16 && !has_bfloat16) continue;
    const char* type = dtype == ComputeDtype::float32 ? "float32" : "bfloat16";
    add(name("linear_backward_input", wide, type), bench_linear_backward_input, wide, dtype);
    add(name("linear_backward_weight", wide, type), bench_linear_backward_weight, wide, dtype);
    add(name("pack", wide, type), bench_pack, wide, dtype);
  }
}

bool can_multiply_bfloat16() {
  try {
    check_compute_dtype(ComputeDtype::bfloat16);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

BENCHMARK_CAPTURE(bench_attention, float32, ComputeDtype::float32);
BENCHMARK_CAPTURE(bench_attention, bfloat16, ComputeDtype::bfloat16);
BENCHMARK_CAPTURE(bench_attention_decode, float32, ComputeDtype::float32);
BENCHMARK_CAPTURE(bench_attention_decode, bfloat16, ComputeDtype::bfloat16);
BENCHMARK_CAPTURE(bench_attention_backward, float32, ComputeDtype::float32);
BENCHMARK_CAPTURE(bench_attention_backward, bfloat16, ComputeDtype::bfloat16);
BENCHMARK(bench_rms_norm);
BENCHMARK(bench_rms_norm_backward);
BENCHMARK(bench_norm_rope);
BENCHMARK(bench_norm_rope_backward);
BENCHMARK(bench_rope);
BENCHMARK(bench_swiglu);
BENCHMARK(bench_swiglu_backward);
BENCHMARK(bench_token_logprob);
BENCHMARK(bench_token_logprob_backward);
BENCHMARK_CAPTURE(bench_sample_token, 512, 512);
BENCHMARK_CAPTURE(bench_sample_token, 151665, 151665);
BENCHMARK(bench_embedding);
BENCHMARK(bench_bias);
BENCHMARK(bench_bias_backward);
BENCHMARK(bench_adamw);
BENCHMARK(bench_sum_of_squares);

int main(int argc, char** argv) {
  at::set_num_threads(1);
  at::InferenceMode no_gradients;
  add_products(can_multiply_bfloat16());
  benchmark::AddCustomContext("instructions", std::string(active_isa()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
