#include "support/op_references.h"

#include <algorithm>
#include <cmath>

namespace reckon::testing {

Doubles doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

std::vector<float> rounded_to_bf16(std::span<const float> values) {
  std::vector<float> result;
  for (const float value : values) {
    int exponent = 0;
    const double mantissa = std::frexp(value, &exponent);  // in [1/2, 1): 8 bits are 256 steps
    result.push_back(static_cast<float>(std::ldexp(std::nearbyint(mantissa * 256.0), exponent - 8)));
  }
  return result;
}

}  // namespace reckon::testing

namespace reckon::testing::reference {

Doubles linear(const Doubles& x, const Doubles& weight, std::size_t out, std::size_t in) {
  const std::size_t rows = x.size() / in;
  Doubles y(rows * out);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) y[t * out + o] += x[t * in + i] * weight[o * in + i];
    }
  }
  return y;
}

Doubles linear_backward_input(const Doubles& dy, const Doubles& weight, std::size_t out, std::size_t in) {
  const std::size_t rows = dy.size() / out;
  Doubles dx(rows * in);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) dx[t * in + i] += dy[t * out + o] * weight[o * in + i];
    }
  }
  return dx;
}

Doubles linear_backward_weight(const Doubles& dy, const Doubles& x, std::size_t out, std::size_t in) {
  const std::size_t rows = dy.size() / out;
  Doubles dw(out * in);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) dw[o * in + i] += dy[t * out + o] * x[t * in + i];
    }
  }
  return dw;
}

Doubles add_bias(const Doubles& y, const Doubles& bias) {
  Doubles result = y;
  for (std::size_t i = 0; i < y.size(); ++i) result[i] += bias[i % bias.size()];
  return result;
}

Doubles bias_backward(const Doubles& dy, std::size_t width) {
  Doubles dbias(width);
  for (std::size_t i = 0; i < dy.size(); ++i) dbias[i % width] += dy[i];
  return dbias;
}

namespace {

double inverse_rms(const double* x, std::size_t width, double eps) {
  double sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += x[i] * x[i];
  return 1.0 / std::sqrt(sum / static_cast<double>(width) + eps);
}

}  // namespace

Doubles rms_norm(const Doubles& x, const Doubles& weight, double eps) {
  const std::size_t width = weight.size();
  Doubles y(x.size());
  for (std::size_t at = 0; at < x.size(); at += width) {
    const double r = inverse_rms(&x[at], width, eps);
    for (std::size_t i = 0; i < width; ++i) y[at + i] = x[at + i] * r * weight[i];
  }
  return y;
}

// y_i = x_i r w_i with r = (mean(x^2) + eps)^(-1/2), so dr / dx_j = -r^3 x_j / H.
InputAndWeight rms_norm_backward(const Doubles& dy, const Doubles& x, const Doubles& weight, double eps) {
  const std::size_t width = weight.size();
  InputAndWeight gradient{Doubles(x.size()), Doubles(width)};
  for (std::size_t at = 0; at < x.size(); at += width) {
    const double r = inverse_rms(&x[at], width, eps);
    double dr = 0;
    for (std::size_t i = 0; i < width; ++i) {
      dr += dy[at + i] * weight[i] * x[at + i];
      gradient.weight[i] += dy[at + i] * x[at + i] * r;
    }
    for (std::size_t j = 0; j < width; ++j) {
      gradient.input[at + j] =
          dy[at + j] * weight[j] * r - dr * r * r * r * x[at + j] / static_cast<double>(width);
    }
  }
  return gradient;
}

namespace {

/// Calls visit(from, to, cosine, sine) for each pair of components (from[0], from[half]) of each head: `from`
/// an index into rows of qkv, `to` one into [T, heads, head_dim].
template <class Visit>
void for_pairs(const HeadSlice& slice, const Rotation& rotation, std::span<const std::int32_t> positions,
               const Visit& visit) {
  const auto heads = static_cast<std::size_t>(slice.heads), dim = static_cast<std::size_t>(slice.head_dim);
  for (std::size_t t = 0; t < positions.size(); ++t) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t from =
          t * static_cast<std::size_t>(slice.stride) + static_cast<std::size_t>(slice.offset) + h * dim;
      for (std::size_t i = 0; i < dim / 2; ++i) {
        const float angle = static_cast<float>(positions[t]) * rotation.frequencies[i];  // rounded: RopeTable
        visit(from + i, (t * heads + h) * dim + i, rotation.scale * std::cos(static_cast<double>(angle)),
              rotation.scale * std::sin(static_cast<double>(angle)));
      }
    }
  }
}

std::size_t size_of_rows(const HeadSlice& slice, std::span<const std::int32_t> positions) {
  return positions.size() * static_cast<std::size_t>(slice.stride);
}

std::size_t size_of_heads(const HeadSlice& slice, std::span<const std::int32_t> positions) {
  return positions.size() * static_cast<std::size_t>(slice.heads * slice.head_dim);
}

}  // namespace

Doubles rope(const Doubles& qkv, const HeadSlice& slice, const Rotation& rotation,
             std::span<const std::int32_t> positions) {
  const std::size_t half = static_cast<std::size_t>(slice.head_dim) / 2;
  Doubles out(size_of_heads(slice, positions));
  for_pairs(slice, rotation, positions, [&](std::size_t from, std::size_t to, double c, double s) {
    out[to] = qkv[from] * c - qkv[from + half] * s;
    out[to + half] = qkv[from + half] * c + qkv[from] * s;
  });
  return out;
}

Doubles rope_backward(const Doubles& dout, const HeadSlice& slice, const Rotation& rotation,
                      std::span<const std::int32_t> positions) {
  const std::size_t half = static_cast<std::size_t>(slice.head_dim) / 2;
  Doubles dqkv(size_of_rows(slice, positions));
  for_pairs(slice, rotation, positions, [&](std::size_t from, std::size_t to, double c, double s) {
    dqkv[from] = dout[to] * c + dout[to + half] * s;
    dqkv[from + half] = dout[to + half] * c - dout[to] * s;
  });
  return dqkv;
}

namespace {

/// The slice's heads, one after the other, each a row of rms_norm.
Doubles heads_of(const Doubles& qkv, const HeadSlice& slice, std::span<const std::int32_t> positions) {
  const auto row = static_cast<std::size_t>(slice.heads * slice.head_dim);
  Doubles heads;
  for (std::size_t t = 0; t < positions.size(); ++t) {
    const auto first = qkv.begin() + static_cast<std::ptrdiff_t>(t) * slice.stride + slice.offset;
    heads.insert(heads.end(), first, first + static_cast<std::ptrdiff_t>(row));
  }
  return heads;
}

/// Heads that stand one after the other.
HeadSlice packed(const HeadSlice& slice) {
  return {slice.heads * slice.head_dim, 0, slice.heads, slice.head_dim};
}

}  // namespace

Doubles norm_rope(const Doubles& qkv, const HeadSlice& slice, const Doubles& weight, double eps,
                  const Rotation& rotation, std::span<const std::int32_t> positions) {
  return rope(rms_norm(heads_of(qkv, slice, positions), weight, eps), packed(slice), rotation, positions);
}

InputAndWeight norm_rope_backward(const Doubles& dout, const Doubles& qkv, const HeadSlice& slice,
                                  const Doubles& weight, double eps, const Rotation& rotation,
                                  std::span<const std::int32_t> positions) {
  const Doubles turned = rope_backward(dout, packed(slice), rotation, positions);
  const InputAndWeight of_heads = rms_norm_backward(turned, heads_of(qkv, slice, positions), weight, eps);
  InputAndWeight gradient{Doubles(size_of_rows(slice, positions)), of_heads.weight};
  const std::ptrdiff_t row = slice.heads * slice.head_dim;
  for (std::size_t t = 0; t < positions.size(); ++t) {
    const auto at = static_cast<std::ptrdiff_t>(t);
    std::copy_n(of_heads.input.begin() + at * row, row,
                gradient.input.begin() + at * slice.stride + slice.offset);
  }
  return gradient;
}

namespace {

double product(const Doubles& a, std::size_t at_a, const Doubles& b, std::size_t at_b, std::size_t dim) {
  double sum = 0;
  for (std::size_t d = 0; d < dim; ++d) sum += a[at_a + d] * b[at_b + d];
  return sum;
}

/// One query of one head: where its keys stand, and its softmax over them.
struct Query {
  std::size_t row = 0, head = 0, at = 0;  // `at` in q
  std::vector<std::size_t> keys;          // in k and v
  Doubles p;
  double lse = 0;
};

template <class Visit>
void for_queries(const Doubles& q, const Doubles& k, std::span<const RowRun> runs, const HeadCounts& c,
                 const Visit& visit) {
  for (const RowRun& run : runs) {
    for (std::int64_t t = run.first_position; t < run.first_position + run.count; ++t) {
      const auto row_of = [&](std::int64_t position) {
        return static_cast<std::size_t>(position < run.first_position
                                            ? run.prefix_row + position
                                            : run.first_row + position - run.first_position);
      };
      for (std::size_t h = 0; h < c.heads; ++h) {
        Query query{row_of(t), h, (row_of(t) * c.heads + h) * c.dim, {}, {}, 0};
        double largest = -INFINITY, total = 0;
        for (std::int64_t j = 0; j <= t; ++j) {
          query.keys.push_back((row_of(j) * c.kv_heads + h / (c.heads / c.kv_heads)) * c.dim);
          query.p.push_back(product(q, query.at, k, query.keys.back(), c.dim) /
                            std::sqrt(static_cast<double>(c.dim)));
          largest = std::max(largest, query.p.back());
        }
        for (const double s : query.p) total += std::exp(s - largest);
        query.lse = largest + std::log(total);
        for (double& s : query.p) s = std::exp(s - query.lse);
        visit(query);
      }
    }
  }
}

}  // namespace

AttentionResult attention(const Doubles& q, const Doubles& k, const Doubles& v, std::span<const RowRun> runs,
                          const HeadCounts& c) {
  AttentionResult result{Doubles(q.size()), Doubles(q.size() / c.dim)};
  for_queries(q, k, runs, c, [&](const Query& query) {
    result.lse[query.row * c.heads + query.head] = query.lse;
    for (std::size_t j = 0; j < query.keys.size(); ++j) {
      for (std::size_t d = 0; d < c.dim; ++d) result.out[query.at + d] += query.p[j] * v[query.keys[j] + d];
    }
  });
  return result;
}

// With s_j = q . k_j / sqrt(dim), p = softmax(s) and out = sum_j p_j v_j:
// ds_j = p_j (dout . v_j - sum_i p_i dout . v_i).
AttentionGradients attention_backward(const Doubles& dout, const Doubles& q, const Doubles& k,
                                      const Doubles& v, std::span<const RowRun> runs, const HeadCounts& c) {
  AttentionGradients gradient{Doubles(q.size()), Doubles(k.size()), Doubles(v.size())};
  const double scale = 1.0 / std::sqrt(static_cast<double>(c.dim));
  for_queries(q, k, runs, c, [&](const Query& query) {
    double mean = 0;
    Doubles dp;
    for (std::size_t j = 0; j < query.keys.size(); ++j) {
      dp.push_back(product(dout, query.at, v, query.keys[j], c.dim));
      mean += query.p[j] * dp.back();
    }
    for (std::size_t j = 0; j < query.keys.size(); ++j) {
      const double ds = query.p[j] * (dp[j] - mean) * scale;
      for (std::size_t d = 0; d < c.dim; ++d) {
        gradient.dq[query.at + d] += ds * k[query.keys[j] + d];
        gradient.dk[query.keys[j] + d] += ds * q[query.at + d];
        gradient.dv[query.keys[j] + d] += query.p[j] * dout[query.at + d];
      }
    }
  });
  return gradient;
}

Doubles swiglu(const Doubles& gate_up, std::size_t width) {
  Doubles h(gate_up.size() / 2);
  for (std::size_t i = 0; i < h.size(); ++i) {
    const double g = gate_up[i / width * 2 * width + i % width];
    const double u = gate_up[i / width * 2 * width + width + i % width];
    h[i] = g / (1.0 + std::exp(-g)) * u;
  }
  return h;
}

// silu'(g) = s (1 + g (1 - s)) with s = 1 / (1 + e^-g).
Doubles swiglu_backward(const Doubles& dh, const Doubles& gate_up, std::size_t width) {
  Doubles dgate_up(gate_up.size());
  for (std::size_t i = 0; i < dh.size(); ++i) {
    const std::size_t gate = i / width * 2 * width + i % width, up = gate + width;
    const double g = gate_up[gate];
    const double s = 1.0 / (1.0 + std::exp(-g));
    dgate_up[gate] = dh[i] * gate_up[up] * s * (1.0 + g * (1.0 - s));
    dgate_up[up] = dh[i] * g * s;
  }
  return dgate_up;
}

namespace {

double log_sum_exp(const double* x, std::size_t count, double temperature) {
  const double largest = *std::max_element(x, x + count) / temperature;
  double total = 0;
  for (std::size_t v = 0; v < count; ++v) total += std::exp(x[v] / temperature - largest);
  return largest + std::log(total);
}

}  // namespace

TokenStatistics token_logprob(const Doubles& logits, std::span<const std::uint32_t> token_ids,
                              double temperature) {
  TokenStatistics result;
  const std::size_t vocab = logits.size() / token_ids.size();
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    const double* x = &logits[t * vocab];
    const double lse = log_sum_exp(x, vocab, temperature);
    double entropy = 0;
    for (std::size_t v = 0; v < vocab; ++v) {
      const double logprob = x[v] / temperature - lse;
      if (std::isfinite(logprob)) entropy -= std::exp(logprob) * logprob;
    }
    result.logprob.push_back(x[token_ids[t]] / temperature - lse);
    result.entropy.push_back(entropy);
    result.lse.push_back(lse);
  }
  return result;
}

Doubles token_logprob_backward(const Doubles& coef, const Doubles& logits,
                               std::span<const std::uint32_t> token_ids, double temperature) {
  Doubles dlogits(logits.size());
  const std::size_t vocab = logits.size() / token_ids.size();
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    const double* x = &logits[t * vocab];
    const double lse = log_sum_exp(x, vocab, temperature);
    for (std::size_t v = 0; v < vocab; ++v) {
      const double p = std::exp(x[v] / temperature - lse);
      dlogits[t * vocab + v] = coef[t] / temperature * ((v == token_ids[t] ? 1.0 : 0.0) - p);
    }
  }
  return dlogits;
}

Doubles embedding(const Doubles& table, std::size_t width, std::span<const std::uint32_t> token_ids) {
  Doubles x;
  for (const std::uint32_t id : token_ids) {
    for (std::size_t i = 0; i < width; ++i) x.push_back(table[id * width + i]);
  }
  return x;
}

Doubles embedding_backward(const Doubles& dx, std::size_t width, std::span<const std::uint32_t> token_ids,
                           std::size_t vocab) {
  Doubles dtable(vocab * width);
  for (std::size_t i = 0; i < dx.size(); ++i) dtable[token_ids[i / width] * width + i % width] += dx[i];
  return dtable;
}

void adamw(AdamWState& state, const Doubles& gradient, const AdamWStep& s) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double g = gradient[i] * s.gradient_scale;
    double& m = state.first_moment[i];
    double& v = state.second_moment[i];
    double& w = state.weight[i];
    m = s.beta1 * m + (1.0 - s.beta1) * g;
    v = s.beta2 * v + (1.0 - s.beta2) * g * g;
    const auto t = static_cast<double>(s.step);
    const double corrected_m = m / (1.0 - std::pow(s.beta1, t));
    const double corrected_v = v / (1.0 - std::pow(s.beta2, t));
    w -= s.learning_rate * (corrected_m / (std::sqrt(corrected_v) + s.eps) + s.weight_decay * w);
  }
}

double sum_of_squares(std::span<const float> values) {
  long double sum = 0;
  for (const float value : values) sum += static_cast<long double>(value) * static_cast<long double>(value);
  return static_cast<double>(sum);
}

}  // namespace reckon::testing::reference
