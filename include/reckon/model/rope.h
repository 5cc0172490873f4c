#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon {

/// How the frequencies of rotary positions are stretched to longer contexts: `rope_type` of config.json.
enum class RopeType { standard, linear, llama3, yarn };
constexpr auto enum_names(RopeType) {
  return std::array{EnumName{RopeType::standard, "default"}, EnumName{RopeType::linear, "linear"},
                    EnumName{RopeType::llama3, "llama3"}, EnumName{RopeType::yarn, "yarn"}};
}

/// `rope_parameters` of transformers 5, `rope_theta` and `rope_scaling` of transformers 4. Names are those of
/// config.json; 0 stands for a field that is left out.
struct RopeConfig {
  RopeType type = RopeType::standard;
  double theta = 10000.0;
  double factor = 1.0;            ///< context length over the original one (all types but default)
  double low_freq_factor = 1.0;   ///< llama3
  double high_freq_factor = 4.0;  ///< llama3
  std::int64_t original_max_position_embeddings = 0;  ///< llama3, yarn
  double attention_factor = 0.0;                      ///< yarn: 0.1 ln(factor) + 1 where left out
  double beta_fast = 32.0;                            ///< yarn
  double beta_slow = 1.0;                             ///< yarn
  double mscale = 0.0;                                ///< yarn
  double mscale_all_dim = 0.0;                        ///< yarn
  bool truncate = true;                               ///< yarn: whole numbers as the ends of the ramp

  bool operator==(const RopeConfig&) const = default;
};

/// Radians a position for each pair of components, and what cosines and sines are multiplied by.
struct RopeFrequencies {
  std::vector<float> frequencies;  ///< [head_dim / 2]
  float scale = 1.0f;
};

/// float32 in the order of operations of transformers (modeling_rope_utils.py), whose products the published
/// weights were trained with.
///   default: f_i = theta^(-2i / head_dim);   linear: f_i / factor
///   llama3:  by wavelength: short ones stay, long ones are divided by factor, between them a blend
///   yarn:    arXiv:2309.00071, section 3.2: a ramp over i from f_i to f_i / factor; scale of section 3.4
[[nodiscard]] RopeFrequencies rope_frequencies(const RopeConfig& config, std::int64_t head_dim);

}  // namespace reckon
