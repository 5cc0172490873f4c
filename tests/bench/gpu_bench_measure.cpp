#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "gpu_bench.h"
#include "reckon/base/philox.h"
#include "reckon/cuda/gemm.h"

namespace reckon::bench {
namespace {

constexpr double kSecondsToMeasure = 1.0;
constexpr int kMostRepeats = 15;
// Not a multiple of any row length, so that rows differ.
constexpr std::size_t kBlock = (std::size_t{1} << 20) + 7;

/// About normal: sums of four uniform numbers of deviation 1 / 2.
const std::vector<float>& random_block() {
  static const std::vector<float> block = [] {
    std::vector<float> values(kBlock);
    RandomStream random(7, 0x62656e63u);
    for (float& value : values) {
      const std::uint32_t a = random.next_u32();
      const std::uint32_t b = random.next_u32();
      const auto sum = static_cast<float>((a & 0xffffu) + (a >> 16) + (b & 0xffffu) + (b >> 16));
      value = (sum / 65536.0f - 2.0f) * std::sqrt(3.0f);
    }
    return values;
  }();
  return block;
}

/// Repeats what stands in the first `filled` bytes.
void repeat(void* device, std::size_t filled, std::size_t bytes, Stream stream) {
  auto* const start = static_cast<std::byte*>(device);
  while (filled < bytes) {
    const std::size_t more = std::min(filled, bytes - filled);
    cuda::copy_on_device(start + filled, start, more, stream);
    filled += more;
  }
}

template <class T, class Convert>
void fill(T* device, std::size_t count, float scale, std::uint64_t seed, Stream stream,
          const Convert& convert) {
  const std::vector<float>& block = random_block();
  std::vector<T> host(std::min(count, kBlock));
  const std::size_t start = mix64(seed) % kBlock;
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = convert(scale * block[(start + i) % kBlock]);
  cuda::copy_to_device(device, host.data(), host.size() * sizeof(T), stream);
  cuda::synchronize(stream);
  repeat(device, host.size() * sizeof(T), count * sizeof(T), stream);
}

float as_float(bf16 value) {
  return to_float(value);
}
float as_float(float value) {
  return value;
}

template <class T>
void check_ends(const char* what, const cuda::DeviceArray<T>& array, Stream stream) {
  constexpr std::size_t kLook = 65536;
  const std::size_t count = std::min(array.size(), kLook);
  std::vector<T> values(count);
  for (const std::size_t first : {std::size_t{0}, array.size() - count}) {
    cuda::copy_to_host(values.data(), array.data() + first, count * sizeof(T), stream);
    cuda::synchronize(stream);
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isnan(as_float(values[i])))
        throw std::runtime_error(std::string(what) + ": value " + std::to_string(first + i) + " of " +
                                 std::to_string(array.size()) + " was not written, or is NaN");
    }
  }
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void fill_random(bf16* device, std::size_t count, float scale, std::uint64_t seed, Stream stream) {
  fill(device, count, scale, seed, stream, [](float value) { return to_bf16(value); });
}
void fill_random(float* device, std::size_t count, float scale, std::uint64_t seed, Stream stream) {
  fill(device, count, scale, seed, stream, [](float value) { return value; });
}
void fill_random(std::span<float> host, float scale, std::uint64_t seed) {
  const std::vector<float>& block = random_block();
  std::size_t at = mix64(seed) % kBlock;
  for (std::size_t done = 0; done < host.size(); at = 0) {
    const std::size_t count = std::min(host.size() - done, kBlock - at);
    for (std::size_t i = 0; i < count; ++i) host[done + i] = scale * block[at + i];
    done += count;
  }
}

std::vector<std::uint32_t> random_tokens(std::size_t count, std::int64_t vocab, std::uint64_t seed) {
  std::vector<std::uint32_t> tokens(count);
  RandomStream random(seed, 0x746f6b65u);
  for (std::uint32_t& token : tokens) token = random.below(static_cast<std::uint32_t>(vocab));
  return tokens;
}

void poison(void* device, std::size_t bytes, Stream stream) {
  const std::vector<std::uint8_t> pattern(std::min(bytes, std::size_t{1} << 20), 0xff);
  cuda::copy_to_device(device, pattern.data(), pattern.size(), stream);
  cuda::synchronize(stream);
  repeat(device, pattern.size(), bytes, stream);
}

void check_written(const char* what, const cuda::DeviceArray<bf16>& array, Stream stream) {
  check_ends(what, array, stream);
}
void check_written(const char* what, const cuda::DeviceArray<float>& array, Stream stream) {
  check_ends(what, array, stream);
}

Timing Bench::time(const std::function<void(int)>& prepare, const std::function<void(int)>& work) {
  const int warm_up = tiny_ ? 1 : 2;
  const int most = tiny_ ? 2 : kMostRepeats;
  std::vector<double> milliseconds;
  double start = seconds_now();
  for (int round = 0; round < warm_up + most; ++round) {
    prepare(round);
    timer_.start(stream());
    work(round);
    const double took = timer_.stop(stream());
    if (round >= warm_up) milliseconds.push_back(took);
    if (round == warm_up - 1) start = seconds_now();
    if (milliseconds.size() >= 3 && seconds_now() - start > kSecondsToMeasure) break;
  }
  return {median(milliseconds), *std::min_element(milliseconds.begin(), milliseconds.end()),
          static_cast<int>(milliseconds.size())};
}

Timing Bench::time(const std::function<void(int)>& work) {
  return time([](int) {}, work);
}

void Bench::add(const std::string& name, const std::string& shape, const Timing& timing, const Work& work,
                const nlohmann::ordered_json& more) {
  nlohmann::ordered_json row = {{"part", part_},
                                {"name", name},
                                {"shape", shape},
                                {"ms", timing.ms},
                                {"fastest_ms", timing.fastest_ms},
                                {"repeats", timing.repeats}};
  const double seconds = timing.ms / 1e3;
  const auto rate = [&](const char* amount, const char* speed, const char* share, double units,
                        double ceiling) {
    if (units <= 0 || seconds <= 0) return;
    row[amount] = units;
    row[speed] = units / seconds / 1e12;
    if (ceiling > 0) row[share] = units / seconds / ceiling;
  };
  rate("bytes", "tb_per_s", "share_of_copy", work.bytes, ceilings_.copy_bytes_per_s);
  rate("flop", "tflop_per_s", "share_of_gemm", work.flop, ceilings_.gemm_flop_per_s);
  row.update(more);
  rows_.push_back(row);
  on_row_();
}

void Bench::add(const std::string& name, const std::string& shape, const nlohmann::ordered_json& more) {
  nlohmann::ordered_json row = {{"part", part_}, {"name", name}, {"shape", shape}};
  row.update(more);
  rows_.push_back(row);
  on_row_();
}

void Bench::measure_ceilings() {
  start_part("ceilings");
  {
    const auto bytes = static_cast<std::size_t>(size(std::int64_t{4} << 30, 1 << 20));
    cuda::DeviceArray<float> from(bytes / sizeof(float));
    cuda::DeviceArray<float> to(bytes / sizeof(float));
    fill_random(from.data(), from.size(), 1.0f, 1, stream());
    poison(to.data(), bytes, stream());
    const Timing timing = time([&](int) { cuda::copy_on_device(to.data(), from.data(), bytes, stream()); });
    check_written("copy", to, stream());
    ceilings_.copy_bytes_per_s = 2.0 * static_cast<double>(bytes) / (timing.ms / 1e3);
    add("copy on the device", std::to_string(bytes >> 20) + " MiB", timing,
        {.bytes = 2.0 * static_cast<double>(bytes)});
  }
  const std::int64_t n = size(8192, 32);
  const auto values = static_cast<std::size_t>(n * n);
  cuda::DeviceArray<bf16> x(values), w(values), y(values);
  fill_random(x.data(), values, 1.0f, 2, stream());
  fill_random(w.data(), values, 1.0f, 3, stream());
  poison(y.data(), values * sizeof(bf16), stream());
  cuda::Gemm gemm(cuda::GemmSums::fast);
  const Timing timing = time([&](int) { gemm.forward(x.data(), w.data(), y.data(), n, n, n, stream()); });
  check_written("product", y, stream());
  const auto side = static_cast<double>(n);
  ceilings_.gemm_flop_per_s = 2.0 * side * side * side / (timing.ms / 1e3);
  add("bf16 product", std::to_string(n) + " each way", timing, {.flop = 2.0 * side * side * side});
}

}  // namespace reckon::bench
