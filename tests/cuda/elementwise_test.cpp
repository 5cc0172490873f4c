#include "reckon/cuda/elementwise.h"

#include <gtest/gtest.h>

#include <map>

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
using testing::normal_values;
using testing::on_device;
using testing::refusal_of;
namespace reference = testing::reference;

std::vector<float> run_swiglu(const std::vector<float>& gate_up, std::int64_t width) {
  const auto rows = static_cast<std::int64_t>(gate_up.size()) / (2 * width);
  DeviceArray<bf16> h(gate_up.size() / 2);
  swiglu(bf16_on_device(gate_up).data(), rows, width, h.data(), nullptr);
  return floats_of(h);
}

struct SwigluGradient {
  std::vector<float> dgate_up, h;
};
SwigluGradient run_swiglu_backward(const std::vector<float>& dh, const std::vector<float>& gate_up,
                                   std::int64_t width) {
  const auto rows = static_cast<std::int64_t>(dh.size()) / width;
  DeviceArray<bf16> dgate_up(gate_up.size()), h(dh.size());
  swiglu_backward(bf16_on_device(dh).data(), bf16_on_device(gate_up).data(), rows, width, dgate_up.data(),
                  h.data(), nullptr);
  return {floats_of(dgate_up), floats_of(h)};
}

// The exponent -g log2(e) is rounded by 2^-24 of up to 6, the power by 2 units in its last place, and four
// operations follow.
TEST_P(EveryOrder, SwigluAndItsGradientMatchFloat64) {
  for (const std::size_t width : {8u, 264u, 608u, 4864u}) {
    const auto signed_width = static_cast<std::int64_t>(width);
    const auto gate_up = normal_bf16(2 * 2 * width, 1), dh = normal_bf16(2 * width, 2);
    const auto h = run_swiglu(gate_up, signed_width);
    expect_rounded(h, reference::swiglu(doubles(gate_up), width), 1e-6);
    const auto [dgate_up, again] = run_swiglu_backward(dh, gate_up, signed_width);
    EXPECT_EQ(h, again);  // the bits
    expect_rounded(dgate_up, reference::swiglu_backward(doubles(dh), doubles(gate_up), width), 1e-6);
    DeviceArray<bf16> alone(gate_up.size());
    swiglu_backward(bf16_on_device(dh).data(), bf16_on_device(gate_up).data(), 2, signed_width, alone.data(),
                    nullptr, nullptr);
    EXPECT_EQ(floats_of(alone), dgate_up);
  }
}

TEST_P(EveryOrder, SwigluIsZeroOrTheProductWhereTheExponentialOverflows) {
  const std::vector<float> gate_up{-100, 100, -1e4f, 1e4f, 0, -50, 50, 1, 2, 3, 2, 3, 2, 2, 2, 0};
  const std::vector<float> dh(8, 1.0f);
  expect_rounded(run_swiglu(gate_up, 8), Doubles{0, 300, 0, 3e4, 0, 0, 100, 0}, 1e-6);
  const auto dgate_up = run_swiglu_backward(dh, gate_up, 8).dgate_up;
  // silu' is 0, 1/2 or 1 and multiplies u; at 1 it is 0.9276705, but u is 0.
  expect_rounded(dgate_up, Doubles{0, 3, 0, 3, 1, 0, 2, 0, 0, 100, 0, 9984, 0, 0, 50, 0.7310586}, 1e-8);
}

TEST_P(EveryOrder, SwigluOfARowHasTheSameBitsInEveryBatch) {
  constexpr std::int64_t kWidth = 40;
  const testing::RowValues gate_up(2 * kWidth, 1), dh(kWidth, 2);
  const auto gradient = [&](std::span<const std::uint64_t> numbers) {
    return run_swiglu_backward(dh.rows(numbers), gate_up.rows(numbers), kWidth).dgate_up;
  };
  const auto forward = [&](std::span<const std::uint64_t> numbers) {
    return run_swiglu(gate_up.rows(numbers), kWidth);
  };
  testing::expect_rows_alone(forward, std::array<std::int64_t, 2>{5, 66});
  testing::expect_rows_alone(gradient, std::array<std::int64_t, 2>{5, 66});
}

TEST_P(EveryOrder, EmbeddingGathersRows) {
  constexpr std::size_t kVocab = 11;
  const std::vector<std::uint32_t> ids{10, 0, 3, 3, 10, 7, 3};
  for (const std::size_t width : {8u, 136u, 896u, 2056u}) {
    const auto table = normal_bf16(kVocab * width, 1);
    DeviceArray<float> x(ids.size() * width);
    embedding(bf16_on_device(table).data(), on_device(ids).data(), static_cast<std::int64_t>(ids.size()),
              static_cast<std::int64_t>(width), x.data(), nullptr);
    expect_close(x.download(), reference::embedding(doubles(table), width, ids), 0);
  }
}

/// dtable after embedding_backward, from 0.5.
std::vector<float> run_embedding_backward(const std::vector<float>& dx, std::int64_t width,
                                          const std::vector<std::uint32_t>& ids, std::size_t vocab) {
  std::map<std::uint32_t, std::vector<std::int32_t>> rows_of;
  for (std::size_t row = 0; row < ids.size(); ++row)
    rows_of[ids[row]].push_back(static_cast<std::int32_t>(row));
  std::vector<std::uint32_t> token_ids;
  std::vector<std::int32_t> offsets{0}, rows;
  for (const auto& [id, of_token] : rows_of) {
    token_ids.push_back(id);
    rows.insert(rows.end(), of_token.begin(), of_token.end());
    offsets.push_back(static_cast<std::int32_t>(rows.size()));
  }
  const auto device_ids = on_device(token_ids);
  const auto device_offsets = on_device(offsets);
  const auto device_rows = on_device(rows);
  auto dtable = on_device(std::vector<float>(vocab * static_cast<std::size_t>(width), 0.5f));
  embedding_backward(on_device(dx).data(),
                     {device_ids.data(), device_offsets.data(), device_rows.data(),
                      static_cast<std::int64_t>(token_ids.size())},
                     width, dtable.data(), nullptr);
  return dtable.download();
}

TEST_P(EveryOrder, EmbeddingBackwardAddsTheRowsOfATokenInOrder) {
  // 19 rows of token 3, more than are under way together; the order of float32 additions shows in the bits.
  std::vector<std::uint32_t> ids{10, 0};
  for (int i = 0; i < 19; ++i) ids.insert(ids.end(), {3, static_cast<std::uint32_t>(i % 2 == 0 ? 7 : 10)});
  for (const std::size_t width : {8u, 520u}) {
    const auto dx = normal_values(ids.size() * width, 2);
    std::vector<float> expected(11 * width, 0.5f);
    for (std::size_t row = 0; row < ids.size(); ++row) {
      for (std::size_t i = 0; i < width; ++i) expected[ids[row] * width + i] += dx[row * width + i];
    }
    EXPECT_EQ(run_embedding_backward(dx, static_cast<std::int64_t>(width), ids, 11), expected);
  }
}

TEST_P(EveryOrder, AddBiasAddsToEachRow) {
  for (const std::size_t width : {8u, 264u, 4104u}) {
    const auto y = normal_bf16(3 * width, 1), bias = normal_bf16(width, 2);
    auto sum = y;
    for (std::size_t i = 0; i < y.size(); ++i) sum[i] += bias[i % width];
    auto exact = on_device(y);
    auto rounded = bf16_on_device(y);
    const auto device_bias = bf16_on_device(bias);
    add_bias(exact.data(), device_bias.data(), 3, static_cast<std::int64_t>(width), nullptr);
    add_bias(rounded.data(), device_bias.data(), 3, static_cast<std::int64_t>(width), nullptr);
    EXPECT_EQ(exact.download(), sum);
    EXPECT_EQ(floats_of(rounded), testing::rounded_to_bf16(sum));
  }
}

// 64 rows meet in 16 additions, and chunks of them in a few more: each rounds by 2^-24.
TEST_P(EveryOrder, BiasBackwardMatchesFloat64) {
  for (const std::size_t rows : {1u, 9u, 64u, 65u, 200u, 64u * 70u}) {
    const std::size_t width = rows > 1000 ? 8 : 264;
    const auto signed_rows = static_cast<std::int64_t>(rows), signed_width = static_cast<std::int64_t>(width);
    const auto dy = normal_bf16(rows * width, 1);
    auto dbias = on_device(std::vector<float>(width, 0.25f));
    DeviceArray<float> workspace(static_cast<std::size_t>(gradient_workspace(signed_rows, signed_width)));
    bias_backward(bf16_on_device(dy).data(), signed_rows, signed_width, dbias.data(), workspace.data(),
                  nullptr);
    auto actual = dbias.download();
    for (float& value : actual) value -= 0.25f;  // added to what was there
    expect_close(actual, reference::bias_backward(doubles(dy), width), 0, 2e-6);
  }
}

TEST_P(EveryOrder, GatherRowsCopiesThem) {
  const std::vector<std::int32_t> rows{4, 0, 4, 2};
  for (const std::size_t width : {8u, 264u, 4104u}) {
    const auto from = normal_bf16(5 * width, 1);
    DeviceArray<bf16> to(rows.size() * width);
    gather_rows(bf16_on_device(from).data(), on_device(rows).data(), 4, static_cast<std::int64_t>(width),
                to.data(), nullptr);
    const auto actual = floats_of(to);
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_EQ(actual[i], from[static_cast<std::size_t>(rows[i / width]) * width + i % width]);
  }
}

TEST_P(EveryOrder, ScatterAddRowsAddsInTheOrderOfTheNames) {
  // Rows named once, within one block of sixteen names, and across blocks; the order of float32 additions
  // shows in the bits.
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 37; ++i) rows.push_back(i % 3 == 0 ? 50 : i % 7 == 0 ? 2 : i);
  // Names are looked at 256 at a time: row 40 is the last of one stretch, and of others beyond the next.
  for (std::int32_t i = 37; i < 900; ++i) rows.push_back(i % 101 == 90 ? 40 : 51 + i);
  rows[37] = rows[37 + 255] = rows[37 + 256] = rows.back() = 40;
  const std::size_t num_rows = 51 + 900;
  for (const std::size_t width : {8u, 1032u}) {
    const auto from = normal_values(rows.size() * width, 1), before = normal_values(num_rows * width, 2);
    auto expected = before;
    for (std::size_t i = 0; i < from.size(); ++i)
      expected[static_cast<std::size_t>(rows[i / width]) * width + i % width] += from[i];
    auto to = on_device(before);
    scatter_add_rows(on_device(from).data(), on_device(rows).data(), static_cast<std::int64_t>(rows.size()),
                     static_cast<std::int64_t>(width), to.data(), nullptr);
    EXPECT_EQ(to.download(), expected);
  }
}

TEST_P(EveryOrder, SumRowListsAddsTheNamedRowsInOrder) {
  const std::size_t width = 24;
  const std::vector<float> from = testing::normal_bf16(7 * width, 5);
  const std::vector<std::int32_t> starts{0, 1, 1, 4, 6}, lists{6, 0, 3, 0, 5, 2};
  DeviceArray<bf16> to(4 * width);
  sum_row_lists(bf16_on_device(from).data(), on_device(starts).data(), on_device(lists).data(), 4,
                static_cast<std::int64_t>(width), to.data(), nullptr);
  const std::vector<float> actual = floats_of(to);
  for (std::size_t row = 0; row < 4; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      float sum = 0;  // as the kernel: float32, in order
      for (auto use = starts[row]; use < starts[row + 1]; ++use)
        sum += from[static_cast<std::size_t>(lists[static_cast<std::size_t>(use)]) * width + column];
      ASSERT_EQ(actual[row * width + column], to_float(to_bf16(sum))) << row << ", " << column;
    }
  }
}

TEST_P(EveryOrder, RoundToBf16IsToTheNearestEven) {
  for (const std::size_t count : {1u, 3u, 4u, 8u, 1023u, 4096u, 4098u, 10007u}) {
    auto values = normal_values(count, 1);
    values[0] = 1.0f + 0x1p-8f;                           // a tie, down to even
    if (count > 1) values[count - 1] = 1.0f + 0x1.8p-7f;  // a tie, up to even
    auto to = bf16_on_device(std::vector<float>(count + 4, 7.0f));
    round_to_bf16(on_device(values).data(), static_cast<std::int64_t>(count), to.data(), nullptr);
    values.resize(count + 4, 7.0f);  // nothing is written past the end
    EXPECT_EQ(floats_of(to), testing::rounded_to_bf16(values));
  }
}

TEST(Elementwise, DoesNothingForNoRows) {
  embedding(nullptr, nullptr, 0, 8, nullptr, nullptr);
  embedding_backward(nullptr, {}, 8, nullptr, nullptr);
  swiglu(nullptr, 0, 8, nullptr, nullptr);
  swiglu_backward(nullptr, nullptr, 0, 8, nullptr, nullptr, nullptr);
  add_bias(static_cast<bf16*>(nullptr), nullptr, 0, 8, nullptr);
  add_bias(static_cast<float*>(nullptr), nullptr, 0, 8, nullptr);
  bias_backward(nullptr, 0, 8, nullptr, nullptr, nullptr);
  gather_rows(nullptr, nullptr, 0, 8, nullptr, nullptr);
  scatter_add_rows(nullptr, nullptr, 0, 8, nullptr, nullptr);
  sum_row_lists(nullptr, nullptr, nullptr, 0, 8, nullptr, nullptr);
  round_to_bf16(nullptr, 0, nullptr, nullptr);
}

TEST(Elementwise, RefusesWidthsOfOddEights) {
  EXPECT_EQ(refusal_of([] { embedding(nullptr, nullptr, 1, 4, nullptr, nullptr); }),
            "embedding: width 4 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { embedding_backward(nullptr, {}, 12, nullptr, nullptr); }),
            "embedding_backward: width 12 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { swiglu(nullptr, 1, 9, nullptr, nullptr); }),
            "swiglu: width 9 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { swiglu_backward(nullptr, nullptr, 1, 7, nullptr, nullptr, nullptr); }),
            "swiglu_backward: width 7 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { add_bias(static_cast<float*>(nullptr), nullptr, 1, 20, nullptr); }),
            "add_bias: width 20 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { bias_backward(nullptr, 1, 20, nullptr, nullptr, nullptr); }),
            "bias_backward: width 20 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { gather_rows(nullptr, nullptr, 1, 20, nullptr, nullptr); }),
            "gather_rows: width 20 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { scatter_add_rows(nullptr, nullptr, 1, 20, nullptr, nullptr); }),
            "scatter_add_rows: width 20 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] { sum_row_lists(nullptr, nullptr, nullptr, 1, 20, nullptr, nullptr); }),
            "sum_row_lists: width 20 (need a multiple of 8)");
}

TEST(Elementwise, RefusesToRoundWhatIsNotAligned) {
  alignas(16) static const float from[8] = {};
  alignas(16) static bf16 to[8] = {};
  EXPECT_EQ(refusal_of([] { round_to_bf16(from + 1, 1, to, nullptr); }),
            "round_to_bf16: from starts 4 bytes past a multiple of 16 (need 0)");
  EXPECT_EQ(refusal_of([] { round_to_bf16(from, 1, to + 2, nullptr); }),
            "round_to_bf16: to starts 4 bytes past a multiple of 8 (need 0)");
}

}  // namespace
}  // namespace reckon::cuda
