#include "reckon/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "reckon/ops/norm_rope.h"

namespace reckon {
namespace {

void stretch_llama3(const RopeConfig& config, std::vector<float>& frequencies) {
  const auto original = static_cast<double>(config.original_max_position_embeddings);
  const auto longest = static_cast<float>(original / config.low_freq_factor);
  const auto shortest = static_cast<float>(original / config.high_freq_factor);
  const auto factor = static_cast<float>(config.factor);
  for (float& frequency : frequencies) {
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
    if (wavelength < shortest) continue;
    if (wavelength > longest) {
      frequency /= factor;
      continue;
    }
    const float smooth =
        (static_cast<float>(original) / wavelength - static_cast<float>(config.low_freq_factor)) /
        static_cast<float>(config.high_freq_factor - config.low_freq_factor);
    frequency = (1.0f - smooth) * (frequency / factor) + smooth * frequency;
  }
}

/// The pair whose components turn `turns` times within the original context (arXiv:2309.00071, Eq. 17).
double pair_of_turns(const RopeConfig& config, double turns, std::int64_t head_dim) {
  const auto original = static_cast<double>(config.original_max_position_embeddings);
  return static_cast<double>(head_dim) * std::log(original / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(config.theta));
}

void stretch_yarn(const RopeConfig& config, std::int64_t head_dim, double factor,
                  std::vector<float>& frequencies) {
  double low = pair_of_turns(config, config.beta_fast, head_dim);
  double high = pair_of_turns(config, config.beta_slow, head_dim);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;  // the ramp has a slope
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const float ramp = std::clamp(
        (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    const float keep = 1.0f - ramp;
    // 1 / (factor * base^e) and 1 / base^e: the frequencies are the reciprocals of rounded powers.
    const float stretched = 1.0f / (static_cast<float>(factor) * (1.0f / frequencies[i]));
    frequencies[i] = stretched * (1.0f - keep) + frequencies[i] * keep;
  }
}

double yarn_scale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeConfig& config, std::int64_t head_dim) {
  RopeFrequencies result{RopeTable::frequencies(head_dim, config.theta), 1.0f};
  if (config.type == RopeType::linear) {
    for (float& frequency : result.frequencies) frequency /= static_cast<float>(config.factor);
  } else if (config.type == RopeType::llama3) {
    stretch_llama3(config, result.frequencies);
  } else if (config.type == RopeType::yarn) {
    const double factor = config.factor;
    stretch_yarn(config, head_dim, factor, result.frequencies);
    double scale = config.attention_factor;
    if (scale == 0 && config.mscale != 0 && config.mscale_all_dim != 0) {
      scale = yarn_scale(factor, config.mscale) / yarn_scale(factor, config.mscale_all_dim);
    }
    result.scale = static_cast<float>(scale != 0 ? scale : yarn_scale(factor, 1.0));
  }
  return result;
}

}  // namespace reckon
