#pragma once

#include <cstdint>
#include <vector>

namespace reckon::plan {

/// Lengths of completions, in tokens: a quantile function, drawn from by counter.
class Lengths {
 public:
  /// Every completion is as long.
  [[nodiscard]] static Lengths constant(double tokens);
  /// Lognormal with this mean and 95th percentile, cut off at `longest`: the mean of what comes out is lower
  /// where the cut matters. p95 = mean gives constant lengths.
  /// \throws std::invalid_argument where mean is not positive, or p95 is not in [mean, 3.86 mean]: no
  /// lognormal has a 95th percentile beyond that.
  [[nodiscard]] static Lengths lognormal(double mean, double p95, double longest);
  /// Those that were seen. \throws std::invalid_argument where there are none
  [[nodiscard]] static Lengths seen(std::vector<double> lengths);

  [[nodiscard]] double mean() const { return mean_; }
  /// E[length^2]: what attention costs grows with it.
  [[nodiscard]] double mean_square() const { return mean_square_; }
  /// \param u  in [0, 1)
  [[nodiscard]] double quantile(double u) const;
  /// The length of a completion: a function of these numbers alone.
  [[nodiscard]] double draw(std::uint64_t seed, std::uint64_t group, std::uint32_t sample) const;

 private:
  explicit Lengths(std::vector<double> sorted);
  std::vector<double> sorted_;
  double mean_ = 0, mean_square_ = 0;
};

/// Passes that a sampler makes which decodes `count` completions, at most max_batch together, the next
/// beginning where one has ended.
[[nodiscard]] double decoding_passes(const Lengths& lengths, std::int64_t count, std::int64_t max_batch);

}  // namespace reckon::plan
