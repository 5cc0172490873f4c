// Queries, keys and values out of the qkv product, and back (reckon/cuda/norm_rope.h). A few neighbouring
// lanes have a head: each holds components of its first half and those that they turn with in the second.
#include "gradient_sums.h"
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/norm_rope.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr int kMostDim = 256;
constexpr unsigned kThreads = 256;

/// Where the heads lie, in numbers that both directions use.
struct Layout {
  int heads, kv_heads, dim;
  unsigned lanes;  // of a head: a power of two, at most a warp
  std::int64_t row_width;

  [[nodiscard]] __host__ __device__ int all_heads() const { return heads + 2 * kv_heads; }
};

/// A head's place: the index of its first component in qkv, and in the array of its own kind.
struct Place {
  bool is_query, is_key;
  std::int64_t in_qkv;
  std::int64_t index;  // [row, head of its kind]
};
__device__ inline Place place_of(const Layout& layout, std::int64_t row, int head) {
  const bool is_query = head < layout.heads;
  const bool is_key = !is_query && head < layout.heads + layout.kv_heads;
  const int before = is_query ? 0 : is_key ? layout.heads : layout.heads + layout.kv_heads;
  return {is_query, is_key, row * layout.row_width + head * layout.dim,
          row * (is_query ? layout.heads : layout.kv_heads) + head - before};
}

/// Sum over the lanes of a head. All lanes of the warp take part.
__device__ inline float head_sum(float value, unsigned lanes) {
  for (unsigned apart = lanes / 2; apart > 0; apart /= 2) value += shuffle_xor(value, apart);
  return value;
}

/// A lane's part of a head: `pairs` times n components of each half, the first at n * lane.
template <int n, int pairs>
struct Part {
  Values<n> first[pairs], second[pairs];
};

template <int n, int pairs>
class Lane {
 public:
  __device__ explicit Lane(const Layout& layout)
      : half_(layout.dim / 2),
        begin_(static_cast<int>(threadIdx.x % layout.lanes) * n),
        stride_(static_cast<int>(layout.lanes) * n) {}

  /// The component of the pair's first half, or a number not below half() where there is none.
  [[nodiscard]] __device__ int at(int pair) const { return begin_ + pair * stride_; }
  [[nodiscard]] __device__ int half() const { return half_; }

  /// Zeros where !is_here.
  template <class T>
  __device__ Part<n, pairs> load(const T* head, bool is_here) const {
    Part<n, pairs> part = {};
    for (int p = 0; p < pairs; ++p) {
      if (is_here && at(p) < half_) {
        part.first[p] = load_values<n>(head + at(p));
        part.second[p] = load_values<n>(head + half_ + at(p));
      }
    }
    return part;
  }
  __device__ void store(bf16* head, const Part<n, pairs>& part) const {
    for (int p = 0; p < pairs; ++p) {
      if (at(p) < half_) {
        store_values(head + at(p), part.first[p]);
        store_values(head + half_ + at(p), part.second[p]);
      }
    }
  }
  /// Cosines as `first`, sines as `second`.
  __device__ Part<n, pairs> load_angles(const Rotation& rotation, std::int64_t row, bool is_here) const {
    Part<n, pairs> angles = {};
    if (!is_here) return angles;
    const std::int64_t from = std::int64_t{rotation.positions[row]} * half_;
    for (int p = 0; p < pairs; ++p) {
      if (at(p) < half_) {
        angles.first[p] = load_values<n>(rotation.cosines + from + at(p));
        angles.second[p] = load_values<n>(rotation.sines + from + at(p));
      }
    }
    return angles;
  }

 private:
  int half_, begin_, stride_;
};

/// Calls visit(first, second, other_first, other_second) for each pair of components of two parts.
template <int n, int pairs, class Visit>
__device__ inline void for_components(Part<n, pairs>& part, const Part<n, pairs>& other, const Visit& visit) {
  for (int p = 0; p < pairs; ++p) {
    for (int i = 0; i < n; ++i)
      visit(part.first[p].at[i], part.second[p].at[i], other.first[p].at[i], other.second[p].at[i]);
  }
}

/// (a, b) -> (a c - b s, b c + a s), and with a sign of -1 the way back, which is the transpose.
template <int n, int pairs>
__device__ inline void turn(Part<n, pairs>& part, const Part<n, pairs>& angles, float sign) {
  for_components(part, angles, [&](float& a, float& b, float cosine, float sine) {
    const float s = sign * sine;
    const float turned = fmaf(a, cosine, -(b * s));
    b = fmaf(b, cosine, a * s);
    a = turned;
  });
}

struct SplitArguments {
  bf16* qkv;
  Layout layout;
  HeadWeights weights;
  Rotation rotation;
  bf16* q;
  bf16* k;
  bf16* v;
  float* q_inv_rms;
  float* k_inv_rms;
};

/// A block a row: its positions' angles are read once.
template <int n, int pairs>
__global__ void __launch_bounds__(kThreads) split_heads_kernel(SplitArguments a) {
  const Layout& layout = a.layout;
  const Lane<n, pairs> lane(layout);
  const std::int64_t row = blockIdx.x;
  const auto groups = static_cast<int>(blockDim.x / layout.lanes);
  const Part<n, pairs> angles = lane.load_angles(a.rotation, row, true);
  for (int first = 0; first < layout.all_heads(); first += groups) {  // the same rounds for a whole warp
    const int head = first + static_cast<int>(threadIdx.x / layout.lanes);
    const bool is_here = head < layout.all_heads();
    const Place place = place_of(layout, row, is_here ? head : 0);
    Part<n, pairs> part = lane.load(a.qkv + place.in_qkv, is_here);
    if (a.weights.bias != nullptr) {
      const Part<n, pairs> bias = lane.load(a.weights.bias + (is_here ? head : 0) * layout.dim, is_here);
      for_components(part, bias, [](float& x, float& y, float x_bias, float y_bias) {
        x = to_float(to_bf16(x + x_bias));
        y = to_float(to_bf16(y + y_bias));
      });
      if (is_here) lane.store(a.qkv + place.in_qkv, part);
    }
    if (a.weights.q_norm != nullptr) {
      float squares = 0;
      for_components(part, part, [&](float& x, float& y, float, float) {
        squares = fmaf(x, x, squares);
        squares = fmaf(y, y, squares);
      });
      squares = head_sum(squares, layout.lanes);
      const float inverse = 1.0f / sqrtf(squares / static_cast<float>(layout.dim) + a.weights.eps);
      if (is_here && (place.is_query || place.is_key)) {
        float* inverses = place.is_query ? a.q_inv_rms : a.k_inv_rms;
        if (inverses != nullptr && lane.at(0) == 0) inverses[place.index] = inverse;
        const Part<n, pairs> weight = lane.load(place.is_query ? a.weights.q_norm : a.weights.k_norm, true);
        for_components(part, weight, [&](float& x, float& y, float x_weight, float y_weight) {
          x = x * inverse * x_weight;
          y = y * inverse * y_weight;
        });
      }
    }
    if (!is_here) continue;
    if (place.is_query || place.is_key) turn(part, angles, 1.0f);
    bf16* to = place.is_query ? a.q : place.is_key ? a.k : a.v;
    lane.store(to + place.index * layout.dim, part);
  }
}

/// Which gradients a launch of the backward kernel sums.
enum class Sums { none, bias, norms };

struct BackwardArguments {
  const bf16* dq;
  const bf16* dk;
  const bf16* dv;
  const bf16* qkv;
  Layout layout;
  HeadWeights weights;
  Rotation rotation;
  const float* q_inv_rms;
  const float* k_inv_rms;
  std::int64_t rows;
  bf16* dqkv;
  Sums sums;
  float*
      of_chunks;  // of the bias [chunks, row_width], of norms [chunks, heads, dim], [chunks, kv_heads, dim]
};

/// From the gradient of a normalised head to that of the head as it was. With n = x * r (r the inverse root
/// mean square) and g = d * weight: dx = r * (g - n * mean(g * n)). `part` is d and becomes dx; \return d *
/// n, the weight's gradient. All lanes of the warp take part.
template <int n, int pairs>
__device__ Part<n, pairs> through_norm(Part<n, pairs>& part, Part<n, pairs> normalised,
                                       const Part<n, pairs>& weight, float inverse, const Layout& layout) {
  Part<n, pairs> dweight = part;
  for_components(normalised, normalised, [&](float& x, float& y, float, float) {
    x *= inverse;
    y *= inverse;
  });
  for_components(dweight, normalised, [](float& x, float& y, float nx, float ny) {
    x *= nx;
    y *= ny;
  });
  float products = 0;
  for_components(dweight, weight, [&](float& x, float& y, float wx, float wy) {
    products = fmaf(x, wx, products);
    products = fmaf(y, wy, products);
  });
  const float mean = head_sum(products, layout.lanes) / static_cast<float>(layout.dim);
  for_components(part, weight, [](float& x, float& y, float wx, float wy) {
    x *= wx;
    y *= wy;
  });
  for_components(part, normalised, [&](float& x, float& y, float nx, float ny) {
    x = inverse * fmaf(-mean, nx, x);
    y = inverse * fmaf(-mean, ny, y);
  });
  return dweight;
}

/// The groups' sums, in order, to the chunk's.
template <int n, int pairs>
__device__ void sum_groups(const Part<n, pairs>& sum, const Lane<n, pairs>& lane, const Layout& layout,
                           float* to) {
  float* of_groups = shared_memory<float>();  // [groups, dim]
  const unsigned group = threadIdx.x / layout.lanes;
  for (int p = 0; p < pairs; ++p) {
    if (lane.at(p) >= lane.half()) continue;
    float* mine = of_groups + group * layout.dim + lane.at(p);
    for (int i = 0; i < n; ++i) {
      mine[i] = sum.first[p].at[i];
      mine[lane.half() + i] = sum.second[p].at[i];
    }
  }
  __syncthreads();
  if (threadIdx.x >= static_cast<unsigned>(layout.dim)) return;
  float total = 0;
  for (unsigned g = 0; g < blockDim.x / layout.lanes; ++g) total += of_groups[g * layout.dim + threadIdx.x];
  to[threadIdx.x] = total;
}

/// A block for one head of kGradientRows rows.
template <int n, int pairs>
__global__ void __launch_bounds__(kThreads) split_heads_backward_kernel(BackwardArguments a) {
  const Layout& layout = a.layout;
  const Lane<n, pairs> lane(layout);
  const auto head = static_cast<int>(blockIdx.y);
  const std::int64_t chunk = blockIdx.x;
  const Place kind = place_of(layout, 0, head);
  const bool is_turned = kind.is_query || kind.is_key;
  const bool is_normalised = is_turned && a.weights.q_norm != nullptr;
  const bf16* from = kind.is_query ? a.dq : kind.is_key ? a.dk : a.dv;
  Part<n, pairs> weight = {};
  if (is_normalised) weight = lane.load(kind.is_query ? a.weights.q_norm : a.weights.k_norm, true);
  Part<n, pairs> sum = {};
  const auto add = [](float& x, float& y, float dx, float dy) {
    x += dx;
    y += dy;
  };
  for (unsigned first = 0; first < kGradientRows; first += blockDim.x / layout.lanes) {
    const unsigned in_chunk = first + threadIdx.x / layout.lanes;
    const std::int64_t row = chunk * kGradientRows + in_chunk;
    const bool is_here = in_chunk < kGradientRows && row < a.rows;
    const Place place = place_of(layout, is_here ? row : 0, head);
    Part<n, pairs> part = lane.load(from + place.index * layout.dim, is_here);
    if (is_turned) turn(part, lane.load_angles(a.rotation, row, is_here), -1.0f);
    if (is_normalised) {
      const float* inverses = kind.is_query ? a.q_inv_rms : a.k_inv_rms;
      const float inverse = is_here ? inverses[place.index] : 0.0f;
      const auto dweight =
          through_norm(part, lane.load(a.qkv + place.in_qkv, is_here), weight, inverse, layout);
      if (a.sums == Sums::norms) for_components(sum, dweight, add);
    }
    if (a.sums == Sums::bias) for_components(sum, part, add);
    if (is_here) lane.store(a.dqkv + place.in_qkv, part);
  }
  if (a.sums == Sums::bias) {
    sum_groups(sum, lane, layout, a.of_chunks + chunk * layout.row_width + head * layout.dim);
  } else if (a.sums == Sums::norms && is_normalised) {
    const Place at = place_of(layout, chunk, head);
    const std::int64_t queries = kind.is_query ? 0 : std::int64_t{gridDim.x} * layout.heads;
    sum_groups(sum, lane, layout, a.of_chunks + (queries + at.index) * layout.dim);
  }
}

bool is_vectored(std::int64_t dim) {
  return dim % 16 == 0;
}

Layout layout_of(const char* function, const HeadShape& shape, const HeadWeights& weights) {
  require_multiple(function, "head_dim", shape.head_dim, 2);
  require_at_most(function, "head_dim", shape.head_dim, kMostDim);
  if ((weights.q_norm == nullptr) != (weights.k_norm == nullptr)) {
    throw std::invalid_argument(std::string(function) + ": a norm of " +
                                (weights.k_norm == nullptr ? "queries" : "keys") +
                                " alone (need q_norm and k_norm, or none)");
  }
  const std::int64_t parts = is_vectored(shape.head_dim) ? shape.head_dim / 16 : shape.head_dim / 2;
  unsigned lanes = 1;
  while (lanes < parts && lanes < kWarp) lanes *= 2;
  return {static_cast<int>(shape.heads), static_cast<int>(shape.kv_heads), static_cast<int>(shape.head_dim),
          lanes, shape.width()};
}

void launch_backward(const BackwardArguments& arguments, Stream stream) {
  const Layout& layout = arguments.layout;
  launch("split_heads_backward",
         is_vectored(layout.dim) ? split_heads_backward_kernel<8, 1> : split_heads_backward_kernel<1, 4>,
         {.grid = {static_cast<unsigned>(divide_up(arguments.rows, kGradientRows)),
                   static_cast<unsigned>(layout.all_heads())},
          .threads = kThreads,
          .shared_bytes = kThreads / layout.lanes * static_cast<unsigned>(layout.dim) * sizeof(float)},
         stream, arguments);
}

}  // namespace

void split_heads(bf16* qkv, const HeadShape& shape, const HeadWeights& weights, const Rotation& rotation,
                 std::int64_t rows, bf16* q, bf16* k, bf16* v, float* q_inv_rms, float* k_inv_rms,
                 Stream stream) {
  const Layout layout = layout_of("split_heads", shape, weights);
  if (rows == 0) return;
  launch("split_heads", is_vectored(layout.dim) ? split_heads_kernel<8, 1> : split_heads_kernel<1, 4>,
         {.grid = {static_cast<unsigned>(rows)},
          .threads = threads_for(std::int64_t{layout.all_heads()} * layout.lanes, kThreads)},
         stream, SplitArguments{qkv, layout, weights, rotation, q, k, v, q_inv_rms, k_inv_rms});
}

void split_heads_backward(const bf16* dq, const bf16* dk, const bf16* dv, const bf16* qkv,
                          const HeadShape& shape, const HeadWeights& weights, const Rotation& rotation,
                          const float* q_inv_rms, const float* k_inv_rms, std::int64_t rows, bf16* dqkv,
                          const HeadGradients& gradients, float* workspace, Stream stream) {
  const Layout layout = layout_of("split_heads_backward", shape, weights);
  const bool has_norms = weights.q_norm != nullptr;
  if (has_norms && (q_inv_rms == nullptr || k_inv_rms == nullptr)) {
    throw std::invalid_argument(
        "split_heads_backward: norms without q_inv_rms and k_inv_rms (need those of split_heads)");
  }
  if (has_norms && (gradients.q_norm == nullptr) != (gradients.k_norm == nullptr)) {
    throw std::invalid_argument("split_heads_backward: one gradient of two norms (need both or none)");
  }
  if (rows == 0) return;
  const std::int64_t chunks = divide_up(rows, kGradientRows);
  BackwardArguments arguments{dq,        dk,        dv,   qkv,  layout,     weights,  rotation,
                              q_inv_rms, k_inv_rms, rows, dqkv, Sums::none, workspace};
  const bool sums_norms = has_norms && gradients.q_norm != nullptr;
  if (gradients.bias != nullptr) {
    arguments.sums = Sums::bias;
    launch_backward(arguments, stream);
    add_gradient_sums(workspace, chunks, layout.row_width, gradients.bias, stream);
  }
  if (sums_norms) {  // a second pass where there is a bias too: no family has both
    arguments.sums = Sums::norms;
    launch_backward(arguments, stream);
    const std::int64_t of_queries = chunks * layout.heads;
    add_gradient_sums(workspace, of_queries, layout.dim, gradients.q_norm, stream);
    add_gradient_sums(workspace + of_queries * layout.dim, chunks * layout.kv_heads, layout.dim,
                      gradients.k_norm, stream);
  }
  if (gradients.bias == nullptr && !sums_norms) launch_backward(arguments, stream);
}

}  // namespace reckon::cuda
