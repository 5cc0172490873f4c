// AdamW in one pass over the parameters (reckon/cuda/optimizer.h).
#include <cmath>

#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/optimizer.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kBlockValues = 16384;

/// What a step multiplies by, from AdamWSettings: bias corrections are computed in float64 by the host.
struct Factors {
  double gradient_scale, max_grad_norm;
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
  float correction1, correction2;  // 1 / (1 - beta^step)
  float learning_rate, eps;
};

struct Parameters {
  float* weight;
  const float* gradient;
  float* first_moment;
  float* second_moment;
  bf16* rounded;
  std::int64_t count;
};

/// The range that a value lies in, found once and then followed upwards.
class Decay {
 public:
  __device__ Decay(const DecayRange* ranges, std::int64_t num_ranges, std::int64_t at) {
    std::int64_t low = 0, past = num_ranges;  // the range is one of [low, past)
    while (past - low > 1) {
      const std::int64_t middle = (low + past) / 2;
      (ranges[middle].begin <= at ? low : past) = middle;
    }
    enter(ranges + low);
  }
  /// \param at  ascending from call to call
  __device__ float of(std::int64_t at) {
    while (at >= end_) enter(range_ + 1);
    return weight_decay_;
  }

 private:
  __device__ void enter(const DecayRange* range) {
    range_ = range;
    end_ = range->end;
    weight_decay_ = range->weight_decay;
  }

  const DecayRange* range_;
  std::int64_t end_;
  float weight_decay_;
};

struct Value {
  float weight, first_moment, second_moment;
};

/// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
/// w -= lr * (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay * w)
__device__ inline Value step(const Value& value, float gradient, float weight_decay, const Factors& f) {
  const float m = fmaf(f.beta1, value.first_moment, f.one_minus_beta1 * gradient);
  const float v = fmaf(f.beta2, value.second_moment, f.one_minus_beta2 * (gradient * gradient));
  const float direction = m * f.correction1 / (sqrtf(v * f.correction2) + f.eps);
  return {fmaf(-f.learning_rate, fmaf(weight_decay, value.weight, direction), value.weight), m, v};
}

__device__ void step_four(const Parameters& p, std::int64_t at, float scale, Decay& decay, const Factors& f) {
  Values<4> w = floats_of(load16_streaming(p.weight + at));
  const Values<4> g = floats_of(load16_streaming(p.gradient + at));
  Values<4> m = floats_of(load16_streaming(p.first_moment + at));
  Values<4> v = floats_of(load16_streaming(p.second_moment + at));
  for (int i = 0; i < 4; ++i) {
    const Value stepped = step({w.at[i], m.at[i], v.at[i]}, g.at[i] * scale, decay.of(at + i), f);
    w.at[i] = stepped.weight;
    m.at[i] = stepped.first_moment;
    v.at[i] = stepped.second_moment;
  }
  store16_streaming(p.weight + at, words_of(w));
  store16_streaming(p.first_moment + at, words_of(m));
  store16_streaming(p.second_moment + at, words_of(v));
  store_values(p.rounded + at, w);
}

__device__ void step_one(const Parameters& p, std::int64_t at, float scale, Decay& decay, const Factors& f) {
  const Value stepped =
      step({p.weight[at], p.first_moment[at], p.second_moment[at]}, p.gradient[at] * scale, decay.of(at), f);
  p.weight[at] = stepped.weight;
  p.first_moment[at] = stepped.first_moment;
  p.second_moment[at] = stepped.second_moment;
  p.rounded[at] = to_bf16(stepped.weight);
}

__global__ void __launch_bounds__(kThreads)
    adamw_kernel(Parameters p, const double* squares, const DecayRange* ranges, std::int64_t num_ranges,
                 Factors f) {
  const double norm = fabs(f.gradient_scale) * sqrt(*squares);
  if (!(norm < static_cast<double>(INFINITY))) return;  // a NaN, too
  const bool is_clipped = f.max_grad_norm > 0 && norm > f.max_grad_norm;
  const auto scale =
      static_cast<float>(is_clipped ? f.gradient_scale * (f.max_grad_norm / norm) : f.gradient_scale);
  const std::int64_t first = blockIdx.x * kBlockValues;
  const std::int64_t past = first + kBlockValues;
  const std::int64_t end = past < p.count ? past : p.count;
  const std::int64_t mine = first + 4 * threadIdx.x;
  if (mine >= end) return;
  Decay decay(ranges, num_ranges, mine);
  for (std::int64_t at = mine; at < end; at += 4 * kThreads) {
    if (at + 4 <= end) {
      step_four(p, at, scale, decay, f);
    } else {
      for (std::int64_t i = at; i < end; ++i) step_one(p, i, scale, decay, f);
    }
  }
}

Factors factors_of(const AdamWSettings& s) {
  const auto step = static_cast<double>(s.step);
  const auto beta1 = static_cast<float>(s.beta1);
  const auto beta2 = static_cast<float>(s.beta2);
  return {.gradient_scale = s.gradient_scale,
          .max_grad_norm = s.max_grad_norm,
          .beta1 = beta1,
          .beta2 = beta2,
          .one_minus_beta1 = 1.0f - beta1,
          .one_minus_beta2 = 1.0f - beta2,
          .correction1 = static_cast<float>(1.0 / (1.0 - std::pow(s.beta1, step))),
          .correction2 = static_cast<float>(1.0 / (1.0 - std::pow(s.beta2, step))),
          .learning_rate = static_cast<float>(s.learning_rate),
          .eps = static_cast<float>(s.eps)};
}

}  // namespace

void adamw(float* weight, const float* gradient, float* first_moment, float* second_moment, bf16* rounded,
           std::int64_t count, const double* squares, const DecayRange* ranges, std::int64_t num_ranges,
           const AdamWSettings& settings, Stream stream) {
  require_aligned("adamw", "weight", weight, 16);
  require_aligned("adamw", "gradient", gradient, 16);
  require_aligned("adamw", "first_moment", first_moment, 16);
  require_aligned("adamw", "second_moment", second_moment, 16);
  require_aligned("adamw", "rounded", rounded, 8);
  if (settings.step < 1) {
    throw std::invalid_argument("adamw: step " + std::to_string(settings.step) + " (need at least 1)");
  }
  if (count == 0) return;
  if (num_ranges < 1) {
    throw std::invalid_argument("adamw: " + std::to_string(num_ranges) +
                                " ranges (need ranges that cover the parameters)");
  }
  launch("adamw", adamw_kernel,
         {.grid = {static_cast<unsigned>(divide_up(count, kBlockValues))}, .threads = kThreads}, stream,
         Parameters{weight, gradient, first_moment, second_moment, rounded, count}, squares, ranges,
         num_ranges, factors_of(settings));
}

}  // namespace reckon::cuda
