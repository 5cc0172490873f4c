#include <gtest/gtest.h>

#include "cuda/device_values.h"
#include "cuda/every_order.h"
#include "ops/row_bits.h"
#include "reckon/cuda/norm_rope.h"

namespace reckon::cuda {
namespace {

using testing::bf16_on_device;
using testing::Doubles;
using testing::doubles;
using testing::expect_close;
using testing::expect_rounded;
using testing::floats_of;
using testing::normal_bf16;
using testing::on_device;
using testing::refusal_of;
namespace reference = testing::reference;

constexpr float kEps = 1e-2f;  // large enough to be seen

// Sines are rounded once, a turn adds two products, a norm sums 16 to 20 squares: each by 2^-24.
constexpr double kTolerance = 1e-6;

struct Family {
  bool has_bias, has_norms;
};
constexpr Family kFamilies[] = {{false, false}, {true, false}, {false, true}, {true, true}};

/// Heads of a shape at positions, and what turns and weighs them.
class Heads {
 public:
  Heads(const HeadShape& heads, Family family, std::vector<std::int32_t> positions)
      : shape(heads), positions_(std::move(positions)), device_positions_(on_device(positions_)) {
    for (std::int64_t i = 0; i < shape.head_dim; i += 2)
      rotation.frequencies.push_back(
          static_cast<float>(std::pow(100.0, -static_cast<double>(i) / static_cast<double>(shape.head_dim))));
    rotation.scale = 1.5;
    std::vector<float> cosines, sines;
    for (int position = 0; position < 40; ++position) {
      for (const float frequency : rotation.frequencies) {
        const auto angle = static_cast<double>(static_cast<float>(position) * frequency);
        cosines.push_back(static_cast<float>(rotation.scale * std::cos(angle)));
        sines.push_back(static_cast<float>(rotation.scale * std::sin(angle)));
      }
    }
    cosines_ = on_device(cosines);
    sines_ = on_device(sines);
    turned = {cosines_.data(), sines_.data(), device_positions_.data()};
    const auto dim = static_cast<std::size_t>(shape.head_dim);
    bias = normal_bf16(static_cast<std::size_t>(shape.width()), 11);
    q_norm = normal_bf16(dim, 12);
    k_norm = normal_bf16(dim, 13);
    device_bias_ = bf16_on_device(bias);
    device_q_norm_ = bf16_on_device(q_norm);
    device_k_norm_ = bf16_on_device(k_norm);
    if (family.has_bias) weights.bias = device_bias_.data();
    if (family.has_norms) {
      weights.q_norm = device_q_norm_.data();
      weights.k_norm = device_k_norm_.data();
      weights.eps = kEps;
    }
  }

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(positions_.size()); }
  [[nodiscard]] std::size_t size_of(std::int64_t per_row) const {
    return static_cast<std::size_t>(rows() * per_row);
  }
  [[nodiscard]] HeadSlice queries() const { return {shape.width(), 0, shape.heads, shape.head_dim}; }
  [[nodiscard]] HeadSlice keys() const {
    return {shape.width(), shape.heads * shape.head_dim, shape.kv_heads, shape.head_dim};
  }
  [[nodiscard]] std::span<const std::int32_t> positions() const { return positions_; }

  HeadShape shape;
  HeadWeights weights;
  Rotation turned;
  reference::Rotation rotation;
  std::vector<float> bias, q_norm, k_norm;

 private:
  std::vector<std::int32_t> positions_;
  DeviceArray<std::int32_t> device_positions_;
  DeviceArray<float> cosines_, sines_;
  DeviceArray<bf16> device_bias_, device_q_norm_, device_k_norm_;
};

struct Split {
  std::vector<float> qkv, q, k, v, q_inverse, k_inverse;
};

Split run_forward(const Heads& heads, const std::vector<float>& qkv) {
  const HeadShape& shape = heads.shape;
  auto rows = bf16_on_device(qkv);
  DeviceArray<bf16> q(heads.size_of(shape.heads * shape.head_dim));
  DeviceArray<bf16> k(heads.size_of(shape.kv_heads * shape.head_dim)), v(k.size());
  DeviceArray<float> q_inverse(heads.size_of(shape.heads)), k_inverse(heads.size_of(shape.kv_heads));
  q_inverse.fill_zero();
  k_inverse.fill_zero();
  split_heads(rows.data(), shape, heads.weights, heads.turned, heads.rows(), q.data(), k.data(), v.data(),
              q_inverse.data(), k_inverse.data(), nullptr);
  return {floats_of(rows), floats_of(q),         floats_of(k),
          floats_of(v),    q_inverse.download(), k_inverse.download()};
}

/// The part of each row that a slice covers.
Doubles columns_of(const std::vector<float>& rows, const HeadSlice& slice) {
  Doubles columns;
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(rows.size()); row += slice.stride) {
    for (std::int64_t i = 0; i < slice.heads * slice.head_dim; ++i)
      columns.push_back(rows[static_cast<std::size_t>(row + slice.offset + i)]);
  }
  return columns;
}

Doubles expected_heads(const Heads& heads, const HeadSlice& slice, const std::vector<float>& norm,
                       const Doubles& qkv) {
  if (heads.weights.q_norm == nullptr) return reference::rope(qkv, slice, heads.rotation, heads.positions());
  return reference::norm_rope(qkv, slice, doubles(norm), kEps, heads.rotation, heads.positions());
}

Doubles expected_inverses(const Doubles& heads, std::size_t dim) {
  Doubles inverses;
  for (std::size_t at = 0; at < heads.size(); at += dim) {
    const auto head = std::span(heads).subspan(at, dim);
    inverses.push_back(1.0 / std::sqrt(testing::dot(head, head) / static_cast<double>(dim) + kEps));
  }
  return inverses;
}

void expect_split(const HeadShape& shape, Family family, double scale = 1.0) {
  SCOPED_TRACE("head_dim " + std::to_string(shape.head_dim) + (family.has_bias ? " bias" : "") +
               (family.has_norms ? " norms" : ""));
  const Heads heads(shape, family, {39, 0, 7, 7, 1});
  const auto qkv = normal_bf16(heads.size_of(shape.width()), 1, scale);
  const Split actual = run_forward(heads, qkv);
  auto biased = qkv;
  for (std::size_t i = 0; family.has_bias && i < qkv.size(); ++i)
    biased[i] += heads.bias[i % heads.bias.size()];
  biased = testing::rounded_to_bf16(biased);
  EXPECT_EQ(actual.qkv, biased);
  expect_rounded(actual.q, expected_heads(heads, heads.queries(), heads.q_norm, doubles(biased)), kTolerance);
  expect_rounded(actual.k, expected_heads(heads, heads.keys(), heads.k_norm, doubles(biased)), kTolerance);
  HeadSlice values = heads.keys();
  values.offset += shape.kv_heads * shape.head_dim;
  EXPECT_EQ(doubles(actual.v), columns_of(biased, values));
  if (!family.has_norms) return;
  const auto dim = static_cast<std::size_t>(shape.head_dim);
  expect_close(actual.q_inverse, expected_inverses(columns_of(biased, heads.queries()), dim), 0, kTolerance);
  expect_close(actual.k_inverse, expected_inverses(columns_of(biased, heads.keys()), dim), 0, kTolerance);
}

TEST_P(EveryOrder, SplitHeadsTurnsHandWorkedNumbers) {
  // One query (1, 0 | 0, 1) of size 4 at position 1 with frequencies 1 and 0.1 and a scale of 1.5: the first
  // pair is (1, 0) and becomes 1.5 (cos 1, sin 1), the second (0, 1) and becomes 1.5 (-sin 0.1, cos 0.1).
  const Heads heads({1, 1, 4}, {false, false}, {1});
  const auto [qkv, q, k, v, q_inverse, k_inverse] = run_forward(heads, {1, 0, 0, 1, 0, 0, 0, 0, 5, 6, 7, 8});
  expect_rounded(q, Doubles{0.8104535, -0.1497501, 1.2622065, 1.4925062}, 1e-6);
  EXPECT_EQ(k, (std::vector<float>(4, 0.0f)));
  EXPECT_EQ(v, (std::vector<float>{5, 6, 7, 8}));
}

TEST_P(EveryOrder, SplitHeadsMatchesFloat64) {
  for (const std::int64_t dim : {2, 6, 16, 34, 64, 80, 128, 250, 256}) {
    for (const Family family : kFamilies) expect_split({3, 2, dim}, family);
  }
}

TEST_P(EveryOrder, SplitHeadsTakesHugeAndTinyValues) {
  for (const double scale : {1e4, 1e-4}) expect_split({3, 2, 64}, {false, true}, scale);
}

TEST_P(EveryOrder, SplitHeadsTakesMoreHeadsThanABlockHasRoomFor) {
  expect_split({40, 4, 128}, {false, true});
  expect_split({9, 1, 66}, {true, false});
}

struct Gradients {
  std::vector<float> dqkv, bias, q_norm, k_norm;
};
Gradients run_backward(const Heads& heads, const Split& split, const std::vector<float>& dq,
                       const std::vector<float>& dk, const std::vector<float>& dv) {
  const HeadShape& shape = heads.shape;
  const auto dim = static_cast<std::size_t>(shape.head_dim);
  const auto qkv = bf16_on_device(split.qkv);
  DeviceArray<bf16> dqkv(split.qkv.size());
  auto bias = on_device(std::vector<float>(heads.bias.size(), 0.25f));
  auto q_norm = on_device(std::vector<float>(dim, 0.25f)), k_norm = on_device(std::vector<float>(dim, 0.25f));
  HeadGradients gradients;
  if (heads.weights.bias != nullptr) gradients.bias = bias.data();
  if (heads.weights.q_norm != nullptr) {
    gradients.q_norm = q_norm.data();
    gradients.k_norm = k_norm.data();
  }
  DeviceArray<float> workspace(static_cast<std::size_t>(gradient_workspace(heads.rows(), shape.width())));
  split_heads_backward(bf16_on_device(dq).data(), bf16_on_device(dk).data(), bf16_on_device(dv).data(),
                       qkv.data(), shape, heads.weights, heads.turned, on_device(split.q_inverse).data(),
                       on_device(split.k_inverse).data(), heads.rows(), dqkv.data(), gradients,
                       workspace.data(), nullptr);
  Gradients result{floats_of(dqkv), bias.download(), q_norm.download(), k_norm.download()};
  for (auto* gradient : {&result.bias, &result.q_norm, &result.k_norm}) {
    for (float& value : *gradient) value -= 0.25f;  // added to what was there
  }
  return result;
}

/// dqkv [T, width()] and the norm's gradient, of one slice.
reference::InputAndWeight expected_backward(const Heads& heads, const HeadSlice& slice,
                                            const std::vector<float>& norm, const Split& split,
                                            const std::vector<float>& dout) {
  if (heads.weights.q_norm == nullptr) {
    return {reference::rope_backward(doubles(dout), slice, heads.rotation, heads.positions()),
            Doubles(norm.size())};
  }
  return reference::norm_rope_backward(doubles(dout), doubles(split.qkv), slice, doubles(norm), kEps,
                                       heads.rotation, heads.positions());
}

void expect_backward(const HeadShape& shape, Family family, std::size_t rows) {
  SCOPED_TRACE("head_dim " + std::to_string(shape.head_dim) + (family.has_bias ? " bias" : "") +
               (family.has_norms ? " norms" : ""));
  std::vector<std::int32_t> positions;
  for (std::size_t row = 0; row < rows; ++row) positions.push_back(static_cast<std::int32_t>(row * 7 % 40));
  const Heads heads(shape, family, positions);
  const Split split = run_forward(heads, normal_bf16(heads.size_of(shape.width()), 1));
  const auto dq = normal_bf16(split.q.size(), 2), dk = normal_bf16(split.k.size(), 3);
  const auto dv = normal_bf16(split.v.size(), 4);
  const Gradients actual = run_backward(heads, split, dq, dk, dv);

  const auto of_queries = expected_backward(heads, heads.queries(), heads.q_norm, split, dq);
  const auto of_keys = expected_backward(heads, heads.keys(), heads.k_norm, split, dk);
  Doubles dqkv = of_queries.input;
  for (std::size_t i = 0; i < dqkv.size(); ++i) dqkv[i] += of_keys.input[i];
  const auto of_values = static_cast<std::size_t>(shape.kv_heads * shape.head_dim);
  const auto width = static_cast<std::size_t>(shape.width());
  for (std::size_t i = 0; i < dv.size(); ++i)
    dqkv[i / of_values * width + width - of_values + i % of_values] = static_cast<double>(dv[i]);
  expect_rounded(actual.dqkv, dqkv, kTolerance);
  const bool has_bias = family.has_bias;
  // Up to 130 rows and 3 heads are added up: some twenty roundings in a row.
  expect_close(actual.bias, has_bias ? reference::bias_backward(dqkv, width) : Doubles(width), 0, 2e-6);
  expect_close(actual.q_norm, of_queries.weight, 0, 2e-6);
  expect_close(actual.k_norm, of_keys.weight, 0, 2e-6);
}

TEST_P(EveryOrder, SplitHeadsBackwardMatchesFloat64) {
  for (const std::int64_t dim : {2, 6, 16, 34, 64, 80, 128, 250, 256}) {
    for (const Family family : kFamilies) expect_backward({3, 2, dim}, family, 3);
  }
}

TEST_P(EveryOrder, SplitHeadsBackwardSumsChunksOfRows) {
  for (const std::size_t rows : {64u, 65u, 130u}) {
    expect_backward({3, 2, 16}, {true, true}, rows);
    expect_backward({3, 1, 128}, {false, true}, rows);
    expect_backward({1, 1, 6}, {true, false}, rows);
  }
}

TEST_P(EveryOrder, SplitHeadsOfARowHasTheSameBitsInEveryBatch) {
  for (const std::int64_t dim : {34, 64}) {
    const HeadShape shape{3, 1, dim};
    const auto width = static_cast<std::size_t>(shape.width());
    const testing::RowValues qkv(width, 1), dout(width, 2);
    testing::expect_rows_alone(
        [&](std::span<const std::uint64_t> numbers) {
          std::vector<std::int32_t> positions;
          for (const std::uint64_t number : numbers)
            positions.push_back(static_cast<std::int32_t>(number * 3 % 40));
          const Heads heads(shape, {true, true}, positions);
          const Split split = run_forward(heads, qkv.rows(numbers));
          const auto gradient = testing::rounded_to_bf16(dout.rows(numbers));
          const auto part = [&](const HeadSlice& slice) {
            const Doubles columns = columns_of(gradient, slice);
            return std::vector<float>(columns.begin(), columns.end());
          };
          HeadSlice values = heads.keys();
          values.offset += shape.kv_heads * shape.head_dim;
          const auto dqkv =
              run_backward(heads, split, part(heads.queries()), part(heads.keys()), part(values)).dqkv;
          std::vector<float> rows;
          const auto append = [&](const std::vector<float>& from, std::size_t row) {
            const std::size_t size = from.size() / numbers.size();
            const auto first = from.begin() + static_cast<std::ptrdiff_t>(row * size);
            rows.insert(rows.end(), first, first + static_cast<std::ptrdiff_t>(size));
          };
          for (std::size_t row = 0; row < numbers.size(); ++row) {
            for (const auto* from : {&split.q, &split.k, &split.v, &split.q_inverse, &dqkv})
              append(*from, row);
          }
          return rows;
        },
        std::array<std::int64_t, 2>{5, 66});
  }
}

TEST(SplitHeads, HasTheSameBitsWithoutTheInverses) {
  const Heads heads({2, 1, 32}, {false, true}, {3, 4});
  const auto values = normal_bf16(heads.size_of(heads.shape.width()), 1);
  auto qkv = bf16_on_device(values);
  DeviceArray<bf16> q(128), k(64), v(64);
  split_heads(qkv.data(), heads.shape, heads.weights, heads.turned, 2, q.data(), k.data(), v.data(), nullptr,
              nullptr, nullptr);
  const Split with = run_forward(heads, values);
  EXPECT_EQ(floats_of(q), with.q);
  EXPECT_EQ(floats_of(k), with.k);
}

TEST(SplitHeads, DoesNothingForNoRows) {
  split_heads(nullptr, {2, 1, 64}, {}, {}, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  split_heads_backward(nullptr, nullptr, nullptr, nullptr, {2, 1, 64}, {}, {}, nullptr, nullptr, 0, nullptr,
                       {}, nullptr, nullptr);
}

TEST(SplitHeads, RefusesHeadsItCannotTurn) {
  const auto forward = [](std::int64_t dim, const HeadWeights& weights) {
    return refusal_of([&] {
      split_heads(nullptr, {2, 1, dim}, weights, {}, 1, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    });
  };
  const bf16 weight[64] = {};
  EXPECT_EQ(forward(15, {}), "split_heads: head_dim 15 (need a multiple of 2)");
  EXPECT_EQ(forward(258, {}), "split_heads: head_dim 258 (need at most 256)");
  EXPECT_EQ(forward(64, {.q_norm = weight}),
            "split_heads: a norm of queries alone (need q_norm and k_norm, or none)");
  const auto backward = [&](const float* inverses, const HeadGradients& gradients) {
    return refusal_of([&] {
      split_heads_backward(nullptr, nullptr, nullptr, nullptr, {2, 1, 64},
                           {.q_norm = weight, .k_norm = weight}, {}, inverses, inverses, 1, nullptr,
                           gradients, nullptr, nullptr);
    });
  };
  float one = 1;
  EXPECT_EQ(backward(nullptr, {}),
            "split_heads_backward: norms without q_inv_rms and k_inv_rms (need those of split_heads)");
  EXPECT_EQ(backward(&one, {.k_norm = &one}),
            "split_heads_backward: one gradient of two norms (need both or none)");
}

}  // namespace
}  // namespace reckon::cuda
