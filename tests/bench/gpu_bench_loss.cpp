// Losses and log-probs: from logits, and from hidden states through the output layer.
#include <cmath>

#include "gpu/head.h"
#include "gpu_bench.h"
#include "gpu_bench_models.h"
#include "reckon/cuda/sample.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::bench {
namespace {

using nlohmann::ordered_json;

std::string shape_text(std::initializer_list<std::pair<const char*, std::int64_t>> sizes) {
  std::string text;
  for (const auto& [name, value] : sizes)
    text += (text.empty() ? "" : " ") + std::string(name) + std::to_string(value);
  return text;
}

/// What a policy loss reads of each row: the policy is the one that sampled, so that no ratio is clipped.
struct LossRows {
  cuda::DeviceArray<std::uint32_t> token_ids;
  cuda::DeviceArray<float> advantage, weight, logprob, entropy, loss, sampler_logprob;
  std::vector<std::uint32_t> host_tokens;
  std::vector<float> host_advantage;

  LossRows(std::int64_t rows, std::int64_t vocab, Stream stream)
      : host_tokens(random_tokens(static_cast<std::size_t>(rows), vocab, 11)) {
    const auto count = static_cast<std::size_t>(rows);
    token_ids.upload(host_tokens, stream);
    host_advantage.resize(count);
    fill_random(host_advantage, 1.0f, 12);
    advantage.upload(host_advantage, stream);
    const std::vector<float> weights(count, 1.0f / static_cast<float>(rows));
    weight.upload(weights, stream);
    for (auto* array : {&logprob, &entropy, &loss, &sampler_logprob}) {
      array->resize(count);
      poison(array->data(), count * sizeof(float), stream);
    }
    cuda::synchronize(stream);
  }
  [[nodiscard]] cuda::GrpoInputs inputs() const {
    return {.token_ids = token_ids.data(),
            .sampler_logprob = sampler_logprob.data(),
            .advantage = advantage.data(),
            .weight = weight.data()};
  }
  [[nodiscard]] cuda::TokenOutputs token_outputs() {
    return {.logprob = logprob.data(), .entropy = entropy.data()};
  }
  [[nodiscard]] cuda::GrpoOutputs outputs() { return {.token = token_outputs(), .loss = loss.data()}; }
};

/// How a row's results differ from float64.
struct RowErrors {
  double logprob = 0;  ///< largest |difference|, nats
  double cosine = 1;   ///< smallest, between the gradient and the exact one
};

/// Sums in float64 of one row of logits: log sum exp(x) and the gradient of logprob, coef (onehot - p).
struct ExactRow {
  double logprob = 0;
  std::vector<double> gradient;

  ExactRow(std::span<const double> logits, std::uint32_t token, double coef) : gradient(logits.size()) {
    double most = -INFINITY;
    for (const double x : logits) most = std::max(most, x);
    double sum = 0;
    for (const double x : logits) sum += std::exp(x - most);
    const double lse = most + std::log(sum);
    logprob = logits[token] - lse;
    for (std::size_t v = 0; v < logits.size(); ++v)
      gradient[v] = coef * ((v == token ? 1.0 : 0.0) - std::exp(logits[v] - lse));
  }
};

template <class A, class B>
double cosine(const A& a, const B& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return ab / std::sqrt(aa * bb);
}

std::vector<double> fetch(const bf16* device, std::size_t count, Stream stream) {
  std::vector<bf16> values(count);
  cuda::copy_to_host(values.data(), device, count * sizeof(bf16), stream);
  cuda::synchronize(stream);
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = static_cast<double>(to_float(values[i]));
  return result;
}
std::vector<float> fetch(const float* device, std::size_t count, Stream stream) {
  std::vector<float> values(count);
  cuda::copy_to_host(values.data(), device, count * sizeof(float), stream);
  cuda::synchronize(stream);
  return values;
}

/// d loss / d logprob of a row whose ratio is 1.
double coefficient(const LossRows& rows, std::size_t row) {
  return -static_cast<double>(rows.host_advantage[row]) / static_cast<double>(rows.host_tokens.size());
}

class LogitsBench {
 public:
  LogitsBench(Bench& bench, std::int64_t rows, std::int64_t vocab)
      : bench_(bench),
        count_(rows),
        vocab_(vocab),
        shape_(shape_text({{"T", rows}, {"V", vocab}})),
        size_(static_cast<std::size_t>(rows * vocab)),
        pristine_(size_),
        logits_(size_),
        rows_(rows, vocab, bench.stream()) {
    fill_random(pristine_.data(), size_, 2.0f, 13, bench.stream());
  }

  void run() {
    forward();
    const auto restore = [this](int) {
      cuda::copy_on_device(logits_.data(), pristine_.data(), size_ * sizeof(bf16), bench_.stream());
    };
    const Timing grpo = bench_.time(restore, [&](int) {
      cuda::grpo_loss(of(logits_), rows_.inputs(), {}, rows_.outputs(), bench_.stream());
    });
    check_written("grpo_loss", rows_.loss, bench_.stream());
    const RowErrors errors = compare();
    bench_.add("grpo_loss, forward and backward", shape_, grpo, {.bytes = 4.0 * values()},
               {{"max_logprob_error", errors.logprob}, {"min_gradient_cosine", errors.cosine}});
    const Timing entropy = bench_.time(restore, [&](int) {
      cuda::cross_entropy_loss(of(logits_), rows_.token_ids.data(), rows_.weight.data(), 1.0f,
                               rows_.loss.data(), rows_.token_outputs(), bench_.stream());
    });
    bench_.add("cross_entropy_loss, forward and backward", shape_, entropy, {.bytes = 4.0 * values()});
    sample();
  }

 private:
  [[nodiscard]] double values() const { return static_cast<double>(size_); }
  [[nodiscard]] cuda::LogitRows of(cuda::DeviceArray<bf16>& array) const {
    return {array.data(), count_, vocab_, vocab_};
  }

  void forward() {
    const Timing timing = bench_.time([&](int) {
      cuda::token_logprob(of(pristine_), rows_.token_ids.data(), 1.0f, rows_.token_outputs(),
                          bench_.stream());
    });
    check_written("token_logprob", rows_.logprob, bench_.stream());
    check_written("token_logprob's entropy", rows_.entropy, bench_.stream());
    cuda::copy_on_device(rows_.sampler_logprob.data(), rows_.logprob.data(),
                         rows_.logprob.size() * sizeof(float), bench_.stream());
    bench_.add("token_logprob, forward alone", shape_, timing, {.bytes = 2.0 * values()});
  }

  RowErrors compare() {
    RowErrors errors;
    for (const std::int64_t row : {std::int64_t{0}, count_ / 2, count_ - 1}) {
      const auto index = static_cast<std::size_t>(row);
      const auto width = static_cast<std::size_t>(vocab_);
      const ExactRow exact(fetch(pristine_.data() + row * vocab_, width, bench_.stream()),
                           rows_.host_tokens[index], coefficient(rows_, index));
      const double logprob = fetch(rows_.logprob.data() + row, 1, bench_.stream()).front();
      errors.logprob = std::max(errors.logprob, std::abs(logprob - exact.logprob));
      errors.cosine =
          std::min(errors.cosine,
                   cosine(exact.gradient, fetch(logits_.data() + row * vocab_, width, bench_.stream())));
    }
    return errors;
  }

  /// Draws for a decoding batch, from other rows each time.
  void sample() {
    const std::int64_t batch = std::min<std::int64_t>(256, count_ / 2);
    const std::int64_t sets = count_ / batch;
    std::vector<cuda::DrawKey> keys(static_cast<std::size_t>(batch));
    for (std::uint32_t i = 0; i < keys.size(); ++i)
      keys[i] = {.key = {17, 19}, .position = i, .sample_index = i};
    cuda::DeviceArray<cuda::DrawKey> device_keys;
    device_keys.upload(keys, bench_.stream());
    cuda::synchronize(bench_.stream());
    cuda::DeviceArray<std::uint32_t> chosen(keys.size());
    const Timing timing = bench_.time([&](int round) {
      const cuda::LogitRows logits{pristine_.data() + round % sets * batch * vocab_, batch, vocab_, vocab_};
      cuda::sample_tokens(logits, device_keys.data(), 1.0f, chosen.data(), {.logprob = rows_.logprob.data()},
                          bench_.stream());
    });
    bench_.add("sample_tokens", shape_text({{"B", batch}, {"V", vocab_}}), timing,
               {.bytes = 2.0 * static_cast<double>(batch * vocab_)});
  }

  Bench& bench_;
  std::int64_t count_, vocab_;
  std::string shape_;
  std::size_t size_;
  cuda::DeviceArray<bf16> pristine_, logits_;
  LossRows rows_;
};

/// The output layer of H by V over T rows.
class HeadBench {
 public:
  HeadBench(Bench& bench, std::int64_t rows, std::int64_t width, std::int64_t vocab)
      : bench_(bench),
        count_(rows),
        width_(width),
        vocab_(vocab),
        decoder_(random_decoder(head_config(width, vocab))),
        weights_(*decoder_, gpu::WeightUse::infer, bench.stream()),
        head_(weights_, gemm_, bench.stream()),
        rows_(rows, vocab, bench.stream()),
        hidden_(static_cast<std::size_t>(rows * width)),
        dhidden_(hidden_.size()),
        gradients_(static_cast<std::size_t>(weights_.num_parameters())) {
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
    numbers_.upload(numbers, bench.stream());
    fill_random(hidden_.data(), hidden_.size(), 1.0f, 21, bench.stream());
    gradients_.fill_zero(bench.stream());
    cuda::synchronize(bench.stream());
  }

  void run() {
    const double product =
        2.0 * static_cast<double>(count_) * static_cast<double>(width_) * static_cast<double>(vocab_);
    const std::string shape = shape_text({{"T", count_}, {"H", width_}, {"V", vocab_}});
    const gpu::HeadRows rows{hidden_.data(), numbers_.data(), count_};
    const Timing forward = bench_.time(
        [&](int) { head_.token_logprob(rows, rows_.token_ids.data(), 1.0f, rows_.token_outputs()); });
    check_written("the head's log-probs", rows_.logprob, bench_.stream());
    bench_.add("head, token_logprob", shape, forward, {.flop = product},
               {{"chunk_rows", head_.chunk_rows()}});
    cuda::copy_on_device(rows_.sampler_logprob.data(), rows_.logprob.data(),
                         rows_.logprob.size() * sizeof(float), bench_.stream());
    const Timing both = bench_.time(
        [&](int) { dhidden_.fill_zero(bench_.stream()); },
        [&](int) {
          head_.grpo_loss(rows, rows_.inputs(), {}, rows_.outputs(), {dhidden_.data(), gradients_.data()});
        });
    check_written("the head's gradient", dhidden_, bench_.stream());
    const RowErrors errors = compare();
    bench_.add("head, grpo_loss, forward and backward", shape, both, {.flop = 3 * product},
               {{"max_logprob_error", errors.logprob}, {"min_gradient_cosine", errors.cosine}});
  }

 private:
  /// One row against float64: its log-prob, and the gradient of its hidden state.
  RowErrors compare() {
    const auto row = static_cast<std::size_t>(count_ / 2);
    const auto width = static_cast<std::size_t>(width_);
    const auto hidden = fetch(hidden_.data() + row * width, width, bench_.stream());
    const std::span<const float> w = decoder_->parameters().subspan(weights_.head());
    const auto weight = [&](std::size_t i) { return static_cast<double>(to_float(to_bf16(w[i]))); };
    std::vector<double> logits(static_cast<std::size_t>(vocab_));
    for (std::size_t v = 0; v < logits.size(); ++v) {
      for (std::size_t i = 0; i < width; ++i) logits[v] += hidden[i] * weight(v * width + i);
    }
    const ExactRow exact(logits, rows_.host_tokens[row], coefficient(rows_, row));
    std::vector<double> dhidden(width);
    for (std::size_t v = 0; v < logits.size(); ++v) {
      for (std::size_t i = 0; i < width; ++i) dhidden[i] += exact.gradient[v] * weight(v * width + i);
    }
    const double logprob = fetch(rows_.logprob.data() + row, 1, bench_.stream()).front();
    return {std::abs(logprob - exact.logprob),
            cosine(dhidden, fetch(dhidden_.data() + row * width, width, bench_.stream()))};
  }

  Bench& bench_;
  std::int64_t count_, width_, vocab_;
  cuda::Gemm gemm_{cuda::GemmSums::fast};
  std::unique_ptr<Decoder> decoder_;
  gpu::Weights weights_;
  gpu::Head head_;
  LossRows rows_;
  cuda::DeviceArray<bf16> hidden_;
  cuda::DeviceArray<float> dhidden_, gradients_;
  cuda::DeviceArray<std::int32_t> numbers_;
};

}  // namespace

void bench_loss(Bench& bench) {
  LogitsBench(bench, bench.size(16384, 32), bench.size(151936, 520)).run();
}

void bench_fused(Bench& bench) {
  if (bench.is_tiny()) return HeadBench(bench, 32, 32, 264).run();
  HeadBench(bench, 4096, 4096, 128256).run();
  HeadBench(bench, 16384, 1536, 151936).run();
  HeadBench(bench, 16384, 3584, 152064).run();
}

}  // namespace reckon::bench
