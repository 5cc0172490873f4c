#include "reckon/learn/learner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// A number that may not be finite, without the sign that a NaN happens to have.
std::string number_text(double value) {
  return std::isnan(value) ? "nan" : std::to_string(value);
}

}  // namespace

double learning_rate_at(const OptimizerConfig& config, std::int64_t step, std::int64_t total) {
  const double warmup = std::ceil(config.warmup_fraction * static_cast<double>(total));
  const auto position = static_cast<double>(step);
  if (position < warmup) return config.learning_rate * (position + 1.0) / warmup;
  const double rest = std::max(1.0, static_cast<double>(total) - warmup);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, (position - warmup) / rest)));
  const double low = config.final_learning_rate_fraction;
  return config.learning_rate * (low + (1.0 - low) * cosine);
}

double gradient_scale(const OptimizerConfig& config, double grad_norm) {
  const double limit = config.max_grad_norm;
  return limit > 0 && grad_norm > limit ? limit / grad_norm : 1.0;
}

std::vector<float> gather_values(Communicator& world, std::span<const float> mine) {
  std::vector<float> all;
  for (const std::string& rank :
       world.all_gather({reinterpret_cast<const char*>(mine.data()), mine.size_bytes()})) {
    const std::size_t at = all.size();
    all.resize(at + rank.size() / sizeof(float));
    if (!rank.empty()) std::memcpy(all.data() + at, rank.data(), rank.size());
  }
  return all;
}

void check_finite(const UpdateStats& stats, std::int64_t update) {
  if (std::isfinite(stats.loss) && std::isfinite(stats.grad_norm)) return;
  throw Error(ExitCode::internal, "update " + std::to_string(update) + ": loss " + number_text(stats.loss) +
                                      ", gradient norm " + number_text(stats.grad_norm) +
                                      " (need finite numbers). Nothing was changed; a lower learning_rate or "
                                      "max_grad_norm may help.");
}

void check_moments(std::size_t first, std::size_t second, std::size_t parameters) {
  if (first == parameters && second == parameters) return;
  throw std::invalid_argument("Learner::restore: " + std::to_string(first) + " and " + std::to_string(second) +
                              " moments (need " + std::to_string(parameters) + " each, as parameters)");
}

}  // namespace reckon
