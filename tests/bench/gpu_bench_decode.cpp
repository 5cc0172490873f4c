// Decoding: a batch whose sequences stand behind a prompt, token by token, through SamplingBackend.
#include <algorithm>
#include <memory>

#include "gpu/sampling_backend.h"
#include "gpu_bench.h"
#include "gpu_bench_models.h"

namespace reckon::bench {
namespace {

enum class Prompts { unshared, shared };

struct DecodeCase {
  std::int64_t batch = 64;
  std::int64_t group = 16;
  std::int64_t prompt = 1024;
  std::int64_t warm_up = 4, steps = 32;
  Prompts prompts = Prompts::shared;
  cuda::GemmSums sums = cuda::GemmSums::exact;
  /// Blocks that the cache needs.
  [[nodiscard]] std::int64_t blocks() const {
    const std::int64_t sequence = KvBlocks::blocks_for(prompt + warm_up + steps + 1);
    return batch * (sequence + 1) + batch / group * KvBlocks::blocks_for(prompt);
  }
};

class DecodeBench {
 public:
  DecodeBench(Bench& bench, const std::string& model, const gpu::Weights& weights, const DecodeCase& decode)
      : bench_(bench),
        model_(model),
        weights_(weights),
        case_(decode),
        gemm_(decode.sums),
        backend_(weights, gemm_, bench.stream()),
        last_(random_tokens(static_cast<std::size_t>(decode.batch), weights.config().vocab_size, 51)) {
    backend_.reset_cache(decode.blocks());
    check_fraction();
  }

  void run() {
    const double prefill = put_prompts();
    std::vector<double> seconds;
    for (std::int64_t i = 0; i < case_.warm_up + case_.steps; ++i) {
      const double start = seconds_now();
      step(i);
      if (i >= case_.warm_up) seconds.push_back(seconds_now() - start);
    }
    report(prefill, seconds);
  }

 private:
  void check_fraction() const {
    if (case_.batch % case_.group != 0)
      throw std::invalid_argument("decode: groups of a batch must be whole");
  }

  /// Runs all prompts through the model, 8,192 rows at most at once. \return seconds
  double put_prompts() {
    const bool shared = case_.prompts == Prompts::shared;
    const std::int64_t prompts = shared ? case_.batch / case_.group : case_.batch;
    const std::int64_t capacity = case_.prompt + case_.warm_up + case_.steps + 1;
    const std::int64_t at_once = std::max<std::int64_t>(1, 8192 / case_.prompt);
    std::vector<std::int32_t> prompt_slots;
    const double start = seconds_now();
    for (std::int64_t first = 0; first < prompts; first += at_once) {
      PackedRows rows;
      for (std::int64_t p = first; p < std::min(first + at_once, prompts); ++p) {
        prompt_slots.push_back(backend_.cache().open(shared ? case_.prompt : capacity));
        const auto tokens = random_tokens(static_cast<std::size_t>(case_.prompt),
                                          weights_.config().vocab_size, static_cast<std::uint64_t>(100 + p));
        for (std::int64_t i = 0; i < case_.prompt; ++i)
          rows.add(tokens[static_cast<std::size_t>(i)], prompt_slots.back(), static_cast<std::int32_t>(i));
      }
      backend_.forward(rows);
      cuda::synchronize(bench_.stream());
    }
    const double took = seconds_now() - start;
    if (!shared) {
      slots_ = prompt_slots;
      return took;
    }
    for (const std::int32_t prompt : prompt_slots) {
      for (std::int64_t i = 0; i < case_.group; ++i)
        slots_.push_back(backend_.cache().fork(prompt, case_.prompt, capacity));
    }
    return took;
  }

  void step(std::int64_t number) {
    PackedRows rows;
    std::vector<TokenChoice> choices;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      rows.add(last_[i], slots_[i], static_cast<std::int32_t>(case_.prompt + number));
      choices.push_back(
          {.row = static_cast<std::int64_t>(i),
           .key = {.seed = 7, .stage = 1, .prompt_id = i / 16, .sample_index = static_cast<std::uint32_t>(i)},
           .position = static_cast<std::uint32_t>(number)});
    }
    backend_.forward(rows);
    std::vector<SampledToken> tokens(choices.size());
    backend_.choose(choices, 1.0, Decoding::sample, tokens);
    for (std::size_t i = 0; i < tokens.size(); ++i) last_[i] = tokens[i].token_id;
  }

  void report(double prefill_seconds, const std::vector<double>& seconds) {
    const DecoderConfig& config = weights_.config();
    const auto batch = static_cast<double>(case_.batch);
    const auto prompt = static_cast<double>(case_.prompt);
    const double suffix = static_cast<double>(case_.warm_up) + static_cast<double>(case_.steps) / 2;
    const bool shared = case_.prompts == Prompts::shared;
    const double prompts = shared ? batch / static_cast<double>(case_.group) : batch;
    const double weight_bytes = 2 * product_weights(config);
    const double cache_bytes = (prompts * prompt + batch * suffix) * kv_bytes_per_token(config);
    const double product_flop = 2 * product_weights(config) * batch;
    const double logit_bytes = 4 * batch * static_cast<double>(config.vocab_size);
    const double step = median(seconds);
    nlohmann::ordered_json more = {{"model", model_},
                                   {"batch", case_.batch},
                                   {"context", prompt + suffix},
                                   {"prompts", shared ? "shared by groups of " + std::to_string(case_.group)
                                                      : std::string("of its own each")},
                                   {"numerics", case_.sums == cuda::GemmSums::exact ? "exact" : "fast"},
                                   {"tokens_per_s", batch / step},
                                   {"prefill_tokens_per_s", prompts * prompt / prefill_seconds}};
    const Ceilings& most = bench_.ceilings();
    if (most.copy_bytes_per_s > 0 && most.gemm_flop_per_s > 0) {
      const double floor =
          std::max(weight_bytes / most.copy_bytes_per_s, product_flop / most.gemm_flop_per_s) +
          (cache_bytes + logit_bytes) / most.copy_bytes_per_s;
      more["roofline_ms"] = floor * 1e3;
      more["share_of_roofline"] = floor / step;
    }
    const double fastest = *std::min_element(seconds.begin(), seconds.end());
    bench_.add(std::string("decode, ") + (shared ? "shared prompts" : "prompts unshared"),
               model_title(model_) + " B" + std::to_string(case_.batch) +
                   (case_.sums == cuda::GemmSums::exact ? " exact" : " fast"),
               {step * 1e3, fastest * 1e3, static_cast<int>(seconds.size())},
               {.bytes = weight_bytes + cache_bytes + logit_bytes,
                .flop = product_flop + batch * attention_flop(config, prompt + suffix)},
               more);
  }

  Bench& bench_;
  std::string model_;
  const gpu::Weights& weights_;
  DecodeCase case_;
  cuda::Gemm gemm_;
  gpu::GpuSamplingBackend backend_;
  std::vector<std::uint32_t> last_;
  std::vector<std::int32_t> slots_;
};

}  // namespace

void bench_decode(Bench& bench, std::span<const std::string> models) {
  for (const std::string& model : models) {
    const auto decoder = random_decoder(model_config(model));
    const gpu::Weights weights(*decoder, gpu::WeightUse::infer, bench.stream());
    const std::vector<std::int64_t> batches =
        bench.is_tiny() ? std::vector<std::int64_t>{4} : std::vector<std::int64_t>{64, 256};
    for (const std::int64_t batch : batches) {
      DecodeCase decode{.batch = batch};
      if (bench.is_tiny()) decode = {.batch = batch, .group = 2, .prompt = 32, .warm_up = 1, .steps = 2};
      DecodeBench(bench, model, weights, decode).run();
      decode.sums = cuda::GemmSums::fast;
      DecodeBench(bench, model, weights, decode).run();
      decode.sums = cuda::GemmSums::exact;
      decode.prompts = Prompts::unshared;
      DecodeBench(bench, model, weights, decode).run();
    }
  }
}

}  // namespace reckon::bench
