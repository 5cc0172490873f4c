#include "reckon/base/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "reckon/base/sha256.h"

namespace reckon {
namespace {

TEST(Philox,
     MatchesTheKnownAnswersOfRandom123) {  // kat_vectors of the reference implementation, philox4x32 10
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, NamesGiveStreamsAndTheStreamIsItsWords) {
  RandomStream a(1, 2, 3, 4), b(1, 2, 3, 4), c(1, 2, 3, 5);
  const PhiloxCounter words = philox4x32({0, 2, 3, 4}, {1, 0});
  for (const std::uint32_t word : words) {
    EXPECT_EQ(a.next_u32(), word);
    EXPECT_EQ(b.next_u32(), word);
    EXPECT_NE(c.next_u32(), word);
  }
}

TEST(RandomStream, BelowIsUniformAndNormalIsNormal) {
  RandomStream random(7, 1);
  constexpr int kDraws = 30000;
  int counts[3] = {};
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    ++counts[random.below(3)];
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 3, 250);  // three standard deviations
  EXPECT_NEAR(sum / kDraws, 0.0, 0.018);
  EXPECT_NEAR(squares / kDraws, 1.0, 0.025);
  EXPECT_THROW((void)random.below(0), std::invalid_argument);
}

TEST(Mix64, DistinguishesOrderAndPlace) {
  const std::set<std::uint64_t> values{mix64(1, 2), mix64(2, 1), mix64(1, 0, 2), mix64(0, 1, 2), mix64(1)};
  EXPECT_EQ(values.size(), 5u);
}

TEST(Sha256, MatchesFips180) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.hex_digest(), sha256_hex("abc"));
  EXPECT_THROW((void)hash.hex_digest(), std::runtime_error);
}

}  // namespace
}  // namespace reckon
