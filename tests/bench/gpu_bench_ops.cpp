// What stands between the products, at the sizes of Qwen2.5-1.5B with 16,384 rows; the optimizer.
#include "gpu_bench.h"
#include "gpu_bench_models.h"
#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/norm_rope.h"
#include "reckon/cuda/optimizer.h"
#include "reckon/model/rope.h"

namespace reckon::bench {
namespace {

/// Sets of buffers that rounds take in turn: together they are larger than the cache.
constexpr std::int64_t kSets = 3;

/// Arrays of kSets times `rows * width` values.
template <class T>
class Rotated {
 public:
  Rotated(Bench& bench, std::int64_t rows, std::int64_t width)
      : one_(rows * width), array_(static_cast<std::size_t>(kSets * one_)) {
    fill_random(array_.data(), array_.size(), 1.0f, static_cast<std::uint64_t>(width), bench.stream());
  }
  [[nodiscard]] T* at(int round) { return array_.data() + round % kSets * one_; }
  void poison(Stream stream) { bench::poison(array_.data(), array_.size() * sizeof(T), stream); }
  [[nodiscard]] const cuda::DeviceArray<T>& array() const { return array_; }
  [[nodiscard]] double count() const { return static_cast<double>(one_); }

 private:
  std::int64_t one_;
  cuda::DeviceArray<T> array_;
};

class Elementwise {
 public:
  explicit Elementwise(Bench& bench)
      : bench_(bench),
        config_(model_config(bench.is_tiny() ? "tiny" : "1.5b")),
        rows_(bench.size(16384, 24)) {}

  void run() {
    norm();
    mlp();
    heads();
    rows();
  }

 private:
  [[nodiscard]] std::string shape(std::int64_t width) const {
    return "T" + std::to_string(rows_) + " x " + std::to_string(width);
  }

  void norm() {
    const std::int64_t width = config_.hidden_size;
    Rotated<float> x(bench_, rows_, width), dy(bench_, rows_, width), dx(bench_, rows_, width);
    Rotated<bf16> y(bench_, rows_, width), weight(bench_, 1, width);
    Rotated<float> inv_rms(bench_, rows_, 1), dweight(bench_, 1, width);
    cuda::DeviceArray<float> workspace(static_cast<std::size_t>(cuda::gradient_workspace(rows_, width)));
    y.poison(bench_.stream());
    inv_rms.poison(bench_.stream());
    const Timing forward = bench_.time([&](int i) {
      cuda::rms_norm(x.at(i), weight.at(0), 1e-6f, rows_, width, y.at(i), inv_rms.at(i), bench_.stream());
    });
    check_written("rms_norm", y.array(), bench_.stream());
    bench_.add("rms_norm", shape(width), forward, {.bytes = 6 * x.count()});
    const Timing backward = bench_.time([&](int i) {
      cuda::rms_norm_backward(dy.at(i), x.at(i), weight.at(0), inv_rms.at(i), rows_, width, dx.at(i), y.at(i),
                              dweight.at(0), workspace.data(), bench_.stream());
    });
    bench_.add("rms_norm_backward", shape(width), backward, {.bytes = 18 * x.count()});
  }

  void mlp() {
    const std::int64_t width = config_.intermediate_size;
    Rotated<bf16> gate_up(bench_, rows_, 2 * width), h(bench_, rows_, width), dh(bench_, rows_, width),
        dgate_up(bench_, rows_, 2 * width);
    const Timing forward =
        bench_.time([&](int i) { cuda::swiglu(gate_up.at(i), rows_, width, h.at(i), bench_.stream()); });
    bench_.add("swiglu", shape(width), forward, {.bytes = 6 * h.count()});
    const Timing backward = bench_.time([&](int i) {
      cuda::swiglu_backward(dh.at(i), gate_up.at(i), rows_, width, dgate_up.at(i), h.at(i), bench_.stream());
    });
    bench_.add("swiglu_backward", shape(width), backward, {.bytes = 12 * h.count()});
  }

  void heads() {
    const cuda::HeadShape heads{config_.num_attention_heads, config_.num_key_value_heads, config_.head_dim};
    const std::int64_t width = heads.width();
    Rotated<bf16> qkv(bench_, rows_, width), bias(bench_, 1, width),
        q(bench_, rows_, heads.heads * heads.head_dim), k(bench_, rows_, heads.kv_heads * heads.head_dim),
        v(bench_, rows_, heads.kv_heads * heads.head_dim);
    Rotated<float> dbias(bench_, 1, width);
    cuda::DeviceArray<float> workspace(
        static_cast<std::size_t>(cuda::gradient_workspace(rows_, width + 2 * heads.head_dim)));
    const RopeFrequencies rope = rope_frequencies(config_.rope, config_.head_dim);
    RopeTable table(rope.frequencies, rope.scale);
    const std::int64_t positions = 1024;
    table.extend_to(positions);
    const auto size = static_cast<std::size_t>(positions * config_.head_dim / 2);
    cuda::DeviceArray<float> cosines, sines;
    cosines.upload({table.cosines(0), size}, bench_.stream());
    sines.upload({table.sines(0), size}, bench_.stream());
    std::vector<std::int32_t> host(static_cast<std::size_t>(rows_));
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<std::int32_t>(i) % positions;
    cuda::DeviceArray<std::int32_t> row_positions;
    row_positions.upload(host, bench_.stream());
    cuda::synchronize(bench_.stream());
    const cuda::Rotation rotation{cosines.data(), sines.data(), row_positions.data()};
    const cuda::HeadWeights weights{.bias = bias.at(0)};
    const Timing forward = bench_.time([&](int i) {
      cuda::split_heads(qkv.at(i), heads, weights, rotation, rows_, q.at(i), k.at(i), v.at(i), nullptr,
                        nullptr, bench_.stream());
    });
    bench_.add("split_heads, with bias", shape(width), forward, {.bytes = 6 * qkv.count()});
    const Timing backward = bench_.time([&](int i) {
      cuda::split_heads_backward(q.at(i), k.at(i), v.at(i), qkv.at(i + 1), heads, weights, rotation, nullptr,
                                 nullptr, rows_, qkv.at(i), {.bias = dbias.at(0)}, workspace.data(),
                                 bench_.stream());
    });
    bench_.add("split_heads_backward, with bias", shape(width), backward, {.bytes = 4 * qkv.count()});
  }

  void rows() {
    const std::int64_t width = config_.hidden_size;
    Rotated<bf16> from(bench_, rows_, width), to(bench_, rows_, width);
    Rotated<float> x(bench_, rows_, width);
    cuda::DeviceArray<bf16> table(static_cast<std::size_t>(config_.vocab_size * width));
    fill_random(table.data(), table.size(), 1.0f, 5, bench_.stream());
    cuda::DeviceArray<std::uint32_t> tokens;
    const std::vector<std::uint32_t> ids =
        random_tokens(static_cast<std::size_t>(rows_), config_.vocab_size, 6);
    tokens.upload(ids, bench_.stream());
    std::vector<std::int32_t> host(static_cast<std::size_t>(rows_));
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<std::int32_t>(host.size() - 1 - i);
    cuda::DeviceArray<std::int32_t> numbers;
    numbers.upload(host, bench_.stream());
    cuda::synchronize(bench_.stream());
    const Timing embed = bench_.time(
        [&](int i) { cuda::embedding(table.data(), tokens.data(), rows_, width, x.at(i), bench_.stream()); });
    bench_.add("embedding", shape(width), embed, {.bytes = 6 * x.count()});
    const Timing gather = bench_.time([&](int i) {
      cuda::gather_rows(from.at(i), numbers.data(), rows_, width, to.at(i), bench_.stream());
    });
    bench_.add("gather_rows", shape(width), gather, {.bytes = 4 * from.count()});
  }

  Bench& bench_;
  DecoderConfig config_;
  std::int64_t rows_;
};

}  // namespace

void bench_elementwise(Bench& bench) {
  Elementwise(bench).run();
}

void bench_adamw(Bench& bench) {
  const std::int64_t count = bench.size(1'500'000'000, 70'000);
  const auto size = static_cast<std::size_t>(count);
  cuda::DeviceArray<float> weight(size), gradient(size), first(size), second(size);
  cuda::DeviceArray<bf16> rounded(size);
  fill_random(weight.data(), size, 0.02f, 31, bench.stream());
  fill_random(gradient.data(), size, 0.01f, 32, bench.stream());
  first.fill_zero(bench.stream());
  second.fill_zero(bench.stream());
  poison(rounded.data(), size * sizeof(bf16), bench.stream());
  cuda::DeviceArray<double> squares(1),
      workspace(static_cast<std::size_t>(cuda::sum_of_squares_workspace(count)));
  cuda::DeviceArray<cuda::DecayRange> ranges;
  const std::vector<cuda::DecayRange> halves{{0, count / 2, 0.1f}, {count / 2, count, 0.0f}};
  ranges.upload(halves, bench.stream());
  cuda::synchronize(bench.stream());
  const std::string shape = "N" + std::to_string(count);
  const Timing norm = bench.time([&](int) {
    cuda::sum_of_squares(gradient.data(), count, squares.data(), workspace.data(), bench.stream());
  });
  bench.add("sum_of_squares", shape, norm, {.bytes = 4.0 * static_cast<double>(count)});
  const Timing update = bench.time([&](int round) {
    cuda::adamw(weight.data(), gradient.data(), first.data(), second.data(), rounded.data(), count,
                squares.data(), ranges.data(), 2,
                {.learning_rate = 1e-6, .max_grad_norm = 1.0, .step = round + 1}, bench.stream());
  });
  check_written("adamw", rounded, bench.stream());
  bench.add("adamw", shape, update, {.bytes = 30.0 * static_cast<double>(count)});
}

}  // namespace reckon::bench
