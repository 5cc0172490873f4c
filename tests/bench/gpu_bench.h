#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/runtime.h"

namespace reckon::bench {

/// What a piece of work has to move through device memory at least (each input read once, each output written
/// once), and to compute.
struct Work {
  double bytes = 0;
  double flop = 0;
};

struct Timing {
  double ms = 0;  ///< median
  double fastest_ms = 0;
  int repeats = 0;
};

/// The rates that shares are of: what this device reached in the same run. 0 where they were not measured.
struct Ceilings {
  double copy_bytes_per_s = 0;  ///< a copy of 4 GB on the device, bytes read and written counted
  double gemm_flop_per_s = 0;   ///< a product of bfloat16 matrices, 8192 each way
};

/// What is measured, and how; the rows of the result.
class Bench {
 public:
  /// \param tiny  sizes at which the emulator takes seconds: they test the program, not the device
  explicit Bench(bool tiny) : tiny_(tiny) {}

  [[nodiscard]] bool is_tiny() const { return tiny_; }
  /// A size, and what stands for it with tiny sizes.
  [[nodiscard]] std::int64_t size(std::int64_t full, std::int64_t tiny) const { return tiny_ ? tiny : full; }
  [[nodiscard]] Stream stream() const { return stream_.get(); }
  [[nodiscard]] const Ceilings& ceilings() const { return ceilings_; }

  /// Times `work` by events: twice to warm up, then up to fifteen times in about a second. `prepare` runs
  /// before each, outside of the time. Both get the number of the round, to rotate buffers by.
  Timing time(const std::function<void(int)>& prepare, const std::function<void(int)>& work);
  Timing time(const std::function<void(int)>& work);

  void start_part(const std::string& name) { part_ = name; }
  /// A row: times, bytes, FLOP, and shares of the ceilings; `more` is added as it stands.
  void add(const std::string& name, const std::string& shape, const Timing& timing, const Work& work,
           const nlohmann::ordered_json& more = nlohmann::ordered_json::object());
  /// A row without a time.
  void add(const std::string& name, const std::string& shape, const nlohmann::ordered_json& more);
  [[nodiscard]] const std::vector<nlohmann::ordered_json>& rows() const { return rows_; }
  /// Is called after each row.
  void on_row(std::function<void()> call) { on_row_ = std::move(call); }

  void measure_ceilings();

 private:
  bool tiny_;
  cuda::OwnedStream stream_;
  cuda::StreamTimer timer_;
  Ceilings ceilings_;
  std::string part_;
  std::function<void()> on_row_ = [] {};
  std::vector<nlohmann::ordered_json> rows_;
};

[[nodiscard]] double median(std::vector<double> values);
/// Seconds since some moment.
[[nodiscard]] double seconds_now();

/// About normal values of deviation `scale`: a block of a million, repeated. Which, `seed` says.
void fill_random(bf16* device, std::size_t count, float scale, std::uint64_t seed, Stream stream);
void fill_random(float* device, std::size_t count, float scale, std::uint64_t seed, Stream stream);
/// The same on the host.
void fill_random(std::span<float> host, float scale, std::uint64_t seed);
[[nodiscard]] std::vector<std::uint32_t> random_tokens(std::size_t count, std::int64_t vocab,
                                                       std::uint64_t seed);

/// NaN everywhere: what is not written shows.
void poison(void* device, std::size_t bytes, Stream stream);
/// Looks at the ends of an array that was poisoned. \throws std::runtime_error where a value is NaN.
void check_written(const char* what, const cuda::DeviceArray<bf16>& array, Stream stream);
void check_written(const char* what, const cuda::DeviceArray<float>& array, Stream stream);

// The parts.
void bench_loss(Bench& bench);   ///< losses, log-probs and draws from logits
void bench_fused(Bench& bench);  ///< the output layer with its GRPO loss
void bench_adamw(Bench& bench);  ///< the optimizer
void bench_elementwise(Bench& bench);
void bench_exact(Bench& bench);  ///< whether a product's rows depend on how many there are
void bench_decode(Bench& bench, std::span<const std::string> models);
void bench_learner(Bench& bench, std::span<const std::string> models);
void bench_agreement(Bench& bench);  ///< sampler's and learner's log-probs

}  // namespace reckon::bench
