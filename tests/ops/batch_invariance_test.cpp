// The bits of a row are the same alone and in batches of any size, beside any rows. Attention has its own
// file, attention_invariance_test.cpp.
#include <gtest/gtest.h>

#include "ops/row_bits.h"
#include "reckon/base/error.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/isa.h"
#include "reckon/ops/linear.h"
#include "reckon/ops/norm_rope.h"
#include "reckon/ops/swiglu.h"
#include "reckon/ops/token_logprob.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::expect_rows_alone;
using testing::normal_values;
using testing::RowValues;
using Numbers = std::span<const std::uint64_t>;

constexpr std::array<std::size_t, 6> kWidths{1, 16, 21, 64, 257, 896};

/// Numbers between -1 and 1, much faster than normal ones: the weights of real models have millions.
std::vector<float> quick_values(std::size_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  std::uint64_t state = seed * 2 + 1;
  for (float& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;  // Knuth's linear congruence
    value = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f;
  }
  return values;
}

/// Rows through the product and back, of one weight.
void expect_linear_alone(std::size_t out, std::size_t in, ComputeDtype dtype,
                         std::span<const std::int64_t> row_counts = testing::kRowCounts) {
  SCOPED_TRACE(::testing::Message() << in << " to " << out);
  const auto w = quick_values(out * in, out + in);
  const PackedWeight weight(w, static_cast<std::int64_t>(out), static_cast<std::int64_t>(in), dtype);
  const RowValues x(in, 1), dy(out, 2);
  expect_rows_alone(
      [&](Numbers numbers) {
        std::vector<float> y(numbers.size() * out);
        linear(x.rows(numbers), weight, y);
        linear(x.rows(numbers), weight, y, Output::add);
        return y;
      },
      row_counts);
  expect_rows_alone(
      [&](Numbers numbers) {
        std::vector<float> dx(numbers.size() * in);
        linear_backward_input(dy.rows(numbers), weight, dx);
        return dx;
      },
      row_counts);
}

class LinearRows : public ::testing::TestWithParam<ComputeDtype> {
 protected:
  void SetUp() override {
    try {
      check_compute_dtype(GetParam());
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
  }
};

TEST_P(LinearRows, AreThemselvesForOddShapes) {
  const std::vector<std::size_t> widths{1, 7, 16, 41, 72, 129, 384};
  // The sample: two of those. All: every pair.
  for (const auto& [out, in] : {std::array<std::size_t, 2>{41, 7}, {1, 72}, {129, 41}, {7, 129}, {384, 1}}) {
    expect_linear_alone(out, in, GetParam());
  }
  if (testing::sweep_size(0, 1) == 0) return;
  for (const std::size_t out : widths) {
    for (const std::size_t in : widths) expect_linear_alone(out, in, GetParam());
  }
}

// Hidden and inner widths of the tests' model, of the default one and of Qwen2.5-0.5B.
TEST_P(LinearRows, AreThemselvesForShapesOfModels) {
  const std::vector<std::size_t> widths{24, 128, 256, 768, 896};
  for (const std::size_t out : widths) {
    for (const std::size_t in : widths) expect_linear_alone(out, in, GetParam());
  }
  expect_linear_alone(4864, 896, GetParam());
  expect_linear_alone(896, 4864, GetParam());
  if (testing::sweep_size(0, 1) == 0) return;
  for (const std::size_t other : {24u, 128u, 256u, 768u, 4864u}) {
    expect_linear_alone(4864, other, GetParam());
    expect_linear_alone(other, 4864, GetParam());
  }
}

TEST_P(LinearRows, AreThemselvesForALargeVocabulary) {
  constexpr std::array<std::int64_t, 4> kFew{1, 2, 5, 17};
  expect_linear_alone(151936, 24, GetParam(), kFew);
}

INSTANTIATE_TEST_SUITE_P(Types, LinearRows, ::testing::Values(ComputeDtype::float32, ComputeDtype::bfloat16),
                         [](const auto& type) {
                           return type.param == ComputeDtype::float32 ? "float32" : "bfloat16";
                         });

TEST(BatchInvariance, OfAddBias) {
  for (const std::size_t width : kWidths) {
    const RowValues y(width, 1);
    const auto bias = normal_values(width, 2);
    expect_rows_alone([&](Numbers numbers) {
      std::vector<float> sum = y.rows(numbers);
      add_bias(sum, bias);
      return sum;
    });
  }
}

TEST(BatchInvariance, OfRmsNorm) {
  for (const std::size_t width : kWidths) {
    const RowValues x(width, 1), dy(width, 2);
    const auto weight = normal_values(width, 3);
    expect_rows_alone([&](Numbers numbers) {
      std::vector<float> y(numbers.size() * width), inverse(numbers.size()), dx(y.size()), dweight(width);
      rms_norm(x.rows(numbers), weight, 1e-6, y, inverse);
      rms_norm_backward(dy.rows(numbers), x.rows(numbers), weight, inverse, dx, dweight);
      std::vector<float> both;
      for (std::size_t t = 0; t < numbers.size(); ++t) {
        both.push_back(inverse[t]);
        both.insert(both.end(), y.begin() + static_cast<std::ptrdiff_t>(t * width),
                    y.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
        both.insert(both.end(), dx.begin() + static_cast<std::ptrdiff_t>(t * width),
                    dx.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
      }
      return both;
    });
  }
}

/// A row's position is a function of its number.
std::vector<std::int32_t> positions_of(Numbers numbers) {
  std::vector<std::int32_t> positions;
  for (const std::uint64_t number : numbers) positions.push_back(static_cast<std::int32_t>(number * 5 % 16));
  return positions;
}

TEST(BatchInvariance, OfNormRopeAndRope) {
  for (const std::int64_t dim : {16, 32, 48, 64, 128}) {
    for (const std::int64_t heads : {1, 2, 7}) {
      const HeadSlice slice{heads * dim + 8, 3, heads, dim};
      RopeTable table(RopeTable::frequencies(dim, 100.0));
      table.extend_to(16);
      const auto width = static_cast<std::size_t>(heads * dim);
      const auto stride = static_cast<std::size_t>(slice.stride);
      const RowValues qkv(stride, 1), dout(width, 2);
      const auto weight = normal_values(static_cast<std::size_t>(dim), 3);
      expect_rows_alone([&](Numbers numbers) {
        std::vector<float> out(numbers.size() * width);
        norm_rope(qkv.rows(numbers), slice, weight, 1e-6, table, positions_of(numbers), out);
        return out;
      });
      expect_rows_alone([&](Numbers numbers) {
        std::vector<float> out(numbers.size() * width);
        rope(qkv.rows(numbers), slice, table, positions_of(numbers), out);
        return out;
      });
      expect_rows_alone([&](Numbers numbers) {
        std::vector<float> dqkv(numbers.size() * stride);
        rope_backward(dout.rows(numbers), slice, table, positions_of(numbers), dqkv);
        return dqkv;
      });
      expect_rows_alone([&](Numbers numbers) {
        const auto in = qkv.rows(numbers);
        const auto positions = positions_of(numbers);
        std::vector<float> out(numbers.size() * width),
            inverse(numbers.size() * static_cast<std::size_t>(heads));
        std::vector<float> dqkv(in.size()), dweight(weight.size());
        norm_rope(in, slice, weight, 1e-6, table, positions, out, inverse);
        norm_rope_backward(dout.rows(numbers), in, slice, weight, inverse, table, positions, dqkv, dweight);
        return dqkv;
      });
    }
  }
}

TEST(BatchInvariance, OfSwiglu) {
  for (const std::size_t width : kWidths) {
    const RowValues gate_up(2 * width, 1), dh(width, 2);
    expect_rows_alone([&](Numbers numbers) {
      std::vector<float> h(numbers.size() * width);
      swiglu(gate_up.rows(numbers), width, h);
      return h;
    });
    expect_rows_alone([&](Numbers numbers) {
      std::vector<float> dgate_up(numbers.size() * 2 * width);
      swiglu_backward(dh.rows(numbers), gate_up.rows(numbers), width, dgate_up);
      return dgate_up;
    });
  }
}

std::vector<std::uint32_t> ids_of(Numbers numbers, std::size_t vocab) {
  std::vector<std::uint32_t> ids;
  for (const std::uint64_t number : numbers) ids.push_back(static_cast<std::uint32_t>(number * 7 % vocab));
  return ids;
}

TEST(BatchInvariance, OfTokenLogprob) {
  for (const std::size_t vocab : {2u, 11u, 512u, 1000u}) {
    const RowValues logits(vocab, 1, 4.0), coef(1, 2);
    expect_rows_alone([&](Numbers numbers) {
      const std::size_t rows = numbers.size();
      const auto ids = ids_of(numbers, vocab);
      std::vector<float> logprob(rows), entropy(rows), lse(rows), gradient = logits.rows(numbers), all;
      token_logprob(gradient, ids, 0.7f, logprob, entropy, lse);
      token_logprob_backward(coef.rows(numbers), ids, 0.7f, lse, gradient);
      for (std::size_t t = 0; t < rows; ++t) {
        all.insert(all.end(), {logprob[t], entropy[t], lse[t]});
        all.insert(all.end(), gradient.begin() + static_cast<std::ptrdiff_t>(t * vocab),
                   gradient.begin() + static_cast<std::ptrdiff_t>((t + 1) * vocab));
      }
      return all;
    });
  }
}

TEST(BatchInvariance, OfEmbedding) {
  constexpr std::size_t kWidth = 21;
  const auto table = normal_values(16 * kWidth, 1);
  expect_rows_alone([&](Numbers numbers) {
    std::vector<float> x(numbers.size() * kWidth);
    embedding(table, kWidth, std::vector<std::uint32_t>(numbers.begin(), numbers.end()), x);
    return x;
  });
}

}  // namespace
}  // namespace reckon
