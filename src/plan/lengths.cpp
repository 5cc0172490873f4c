#include "reckon/plan/lengths.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <stdexcept>
#include <string>

#include "reckon/base/philox.h"

namespace reckon::plan {
namespace {

constexpr double kNormal95 = 1.6448536269514722;  // 95th percentile of the standard normal
constexpr std::size_t kQuantiles = 4096;

/// The standard normal's quantile, by bisection of its distribution function.
double normal_quantile(double u) {
  double low = -9, high = 9;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < u ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Lengths::Lengths(std::vector<double> sorted) : sorted_(std::move(sorted)) {
  std::sort(sorted_.begin(), sorted_.end());
  for (const double length : sorted_) {
    mean_ += length / static_cast<double>(sorted_.size());
    mean_square_ += length * length / static_cast<double>(sorted_.size());
  }
}

Lengths Lengths::constant(double tokens) {
  return Lengths({tokens});
}

Lengths Lengths::lognormal(double mean, double p95, double longest) {
  if (!(mean > 0) || !(p95 >= mean)) {
    throw std::invalid_argument("lengths: mean " + std::to_string(mean) + ", 95th percentile " +
                                std::to_string(p95) + " (need 0 < mean <= percentile)");
  }
  // ln(p95 / mean) = z sigma - sigma^2 / 2, whose smaller root is taken.
  const double root = kNormal95 * kNormal95 - 2 * std::log(p95 / mean);
  if (root < 0) {
    throw std::invalid_argument("lengths: 95th percentile " + std::to_string(p95) + " of a mean of " +
                                std::to_string(mean) +
                                " (need at most 3.86 times the mean: no lognormal "
                                "distribution has more)");
  }
  const double sigma = kNormal95 - std::sqrt(root);
  const double mu = std::log(mean) - sigma * sigma / 2;
  if (sigma == 0) return constant(std::min(mean, longest));
  std::vector<double> table(kQuantiles);
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double u = (static_cast<double>(i) + 0.5) / kQuantiles;
    table[i] = std::min(longest, std::max(1.0, std::exp(mu + sigma * normal_quantile(u))));
  }
  return Lengths(std::move(table));
}

Lengths Lengths::seen(std::vector<double> lengths) {
  if (lengths.empty()) throw std::invalid_argument("lengths: none were seen (need at least one)");
  return Lengths(std::move(lengths));
}

double Lengths::quantile(double u) const {
  const auto at = static_cast<std::size_t>(u * static_cast<double>(sorted_.size()));
  return sorted_[std::min(at, sorted_.size() - 1)];
}

double Lengths::draw(std::uint64_t seed, std::uint64_t group, std::uint32_t sample) const {
  if (sorted_.size() == 1) return sorted_.front();
  const auto words = philox4x32(
      {static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> 32), sample, 0x6c656e67U},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return quantile(words[0] * 0x1p-32);
}

double decoding_passes(const Lengths& lengths, std::int64_t count, std::int64_t max_batch) {
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  double last = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    double start = 0;
    if (static_cast<std::int64_t>(ends.size()) >= max_batch) {
      start = ends.top();
      ends.pop();
    }
    const double end = start + lengths.draw(1, static_cast<std::uint64_t>(i), 0);
    ends.push(end);
    last = std::max(last, end);
  }
  return last;
}

}  // namespace reckon::plan
