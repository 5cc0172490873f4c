#include "reckon/model/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reckon/ops/norm_rope.h"

namespace reckon {
namespace {

TEST(Rope, FrequenciesArePowersOfTheBase) {
  const RopeFrequencies rope = rope_frequencies({.theta = 10000.0}, 8);
  ASSERT_EQ(rope.frequencies.size(), 4u);
  EXPECT_FLOAT_EQ(rope.frequencies[0], 1.0f);
  EXPECT_FLOAT_EQ(rope.frequencies[1], 0.1f);
  EXPECT_FLOAT_EQ(rope.frequencies[2], 0.01f);
  EXPECT_FLOAT_EQ(rope.frequencies[3], 0.001f);
  EXPECT_EQ(rope.scale, 1.0f);
}

TEST(Rope, LinearDividesAllFrequencies) {
  const RopeFrequencies rope = rope_frequencies({.type = RopeType::linear, .theta = 10000.0, .factor = 4}, 4);
  EXPECT_FLOAT_EQ(rope.frequencies[0], 0.25f);
  EXPECT_FLOAT_EQ(rope.frequencies[1], 0.0025f);
}

// Original length 64, factors 1 and 4: wavelengths below 16 stay, above 64 are divided. 2 pi / f: f = 1 has
// 6.28, f = 0.01 has 628, f = 0.2 has 31.4, in between: smooth = (64 / 31.4159 - 1) / 3 = 0.345728,
// f' = 0.654272 * 0.2 / 8 + 0.345728 * 0.2 = 0.0855023.
TEST(Rope, Llama3BlendsByWavelength) {
  RopeConfig config{.type = RopeType::llama3, .factor = 8, .original_max_position_embeddings = 64};
  config.theta = 25.0;  // head_dim 4: 1 and 25^-0.5 = 0.2
  const RopeFrequencies middle = rope_frequencies(config, 4);
  EXPECT_FLOAT_EQ(middle.frequencies[0], 1.0f);
  EXPECT_NEAR(middle.frequencies[1], 0.0855023, 2e-7);
  config.theta = 10000.0;  // 1 and 0.01
  EXPECT_FLOAT_EQ(rope_frequencies(config, 4).frequencies[1], 0.01f / 8);
}

// Original length 2 pi * 32: beta_fast = 32 turns gives pair 0; one turn: 8 ln(32) / (2 ln 10000) = 1.505, of
// which the ceiling is 2: a ramp 0, 1/2, 1, 1 over the four pairs.
TEST(Rope, YarnRampsFromKeepingToStretching) {
  const RopeConfig config{
      .type = RopeType::yarn, .theta = 10000.0, .factor = 4, .original_max_position_embeddings = 201};
  const RopeFrequencies rope = rope_frequencies(config, 8);
  EXPECT_FLOAT_EQ(rope.frequencies[0], 1.0f);
  EXPECT_FLOAT_EQ(rope.frequencies[1], 0.5f * 0.1f + 0.5f * 0.025f);
  EXPECT_FLOAT_EQ(rope.frequencies[2], 0.0025f);
  EXPECT_FLOAT_EQ(rope.frequencies[3], 0.00025f);
  EXPECT_NEAR(rope.scale, 0.1 * std::log(4.0) + 1.0, 1e-6);
}

TEST(Rope, YarnScalesByWhatTheConfigurationSays) {
  RopeConfig config{.type = RopeType::yarn, .factor = 4, .original_max_position_embeddings = 201};
  config.mscale = 1.0;
  config.mscale_all_dim = 0.5;
  EXPECT_NEAR(rope_frequencies(config, 8).scale, (0.1 * std::log(4.0) + 1) / (0.05 * std::log(4.0) + 1),
              1e-6);
  config.attention_factor = 1.5;
  EXPECT_FLOAT_EQ(rope_frequencies(config, 8).scale, 1.5f);
}

TEST(RopeTable, GrowsWithoutChangingWhatWasThere) {
  RopeTable table(RopeTable::frequencies(4, 10000.0), 2.0f);
  table.extend_to(3);
  const float before = table.cosines(2)[1];
  table.extend_to(1000);
  table.extend_to(10);
  EXPECT_EQ(table.num_positions(), 1000);
  EXPECT_EQ(table.cosines(2)[1], before);
  EXPECT_FLOAT_EQ(table.cosines(2)[0], 2.0f * std::cos(2.0f));
  EXPECT_FLOAT_EQ(table.sines(999)[1], 2.0f * static_cast<float>(std::sin(999.0 * 0.01f)));
}

}  // namespace
}  // namespace reckon
