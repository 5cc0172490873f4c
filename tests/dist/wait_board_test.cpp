#include "dist/wait_board.h"

#include <gmock/gmock.h>

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const WaitPlace kHere{7, 12, "all_gather", "rl-1 step 12, gradients"};
const WaitPlace kElsewhere{7, 11, "broadcast", "eval: \"scores\"\nof 3"};

TEST(WaitNotice, ComesBackAsItWas) {
  for (const WaitPlace& place : {kHere, kElsewhere, WaitPlace{~0ULL, ~0ULL, "", ""}}) {
    EXPECT_EQ(from_notice(as_notice(place)), place);
  }
}

TEST(WaitNotice, IsNothingWhereItIsMalformed) {
  for (const char* text : {"", "7", "7\n12\nbarrier", "x\n12\nbarrier\n", "7\n-1\nbarrier\n",
                           "7\n1 \nbarrier\n", "7\n99999999999999999999\nbarrier\n"}) {
    EXPECT_EQ(from_notice(text), std::nullopt) << text;
  }
}

TEST(WaitBoard, NamesWhoIsNotAtThePlace) {
  WaitBoard board(5);
  board.set_hosts({"a", "b", "c", "d", "e"});
  board.hear(1, kHere, 10.0);
  board.hear(2, kElsewhere, 10.0);
  // Rank 0 asks. The silent ones come first; 4 is not of the communicator.
  EXPECT_THAT(board.missing({0, 1, 2, 3}, 0, kHere, 9.0),
              ElementsAre("rank 3 (d)",
                          "rank 2 (c), which waits in \"eval: \\\"scores\\\"\\u000Aof 3\" (broadcast)"));
  board.hear(2, kHere, 11.0);
  board.hear(3, kHere, 11.0);
  EXPECT_THAT(board.missing({0, 1, 2, 3}, 0, kHere, 9.0), IsEmpty());
}

TEST(WaitBoard, WhoHasGoneOnIsNotMissing) {
  WaitBoard board(3);
  WaitPlace later = kHere;
  later.number = 13;
  board.hear(1, later, 1.0);
  EXPECT_THAT(board.missing({0, 1, 2}, 0, kHere, 0.0), ElementsAre("rank 2"));
  later.communicator = 8;  // numbers of different communicators have nothing to do with each other
  board.hear(1, later, 1.0);
  EXPECT_EQ(board.missing({0, 1, 2}, 0, kHere, 0.0).size(), 2U);
}

TEST(WaitBoard, AnotherActivityAtTheSameNumberIsAnotherPlace) {
  WaitBoard board(2);
  WaitPlace other = kHere;
  other.activity = "rl-1 step 13, gradients";
  board.hear(1, other, 1.0);
  EXPECT_THAT(board.missing({0, 1}, 0, kHere, 0.0),
              ElementsAre("rank 1, which waits in \"rl-1 step 13, gradients\" (all_gather)"));
}

TEST(WaitBoard, WhatIsOldOrWasTakenBackDoesNotCount) {
  WaitBoard board(3);
  board.hear(1, kHere, 1.0);
  board.hear(2, kHere, 5.0);
  EXPECT_THAT(board.missing({0, 1, 2}, 0, kHere, 4.0), ElementsAre("rank 1"));
  EXPECT_EQ(board.first_at({0, 1, 2}, kHere, 0.0), 1);
  EXPECT_EQ(board.first_at({0, 1, 2}, kHere, 4.0), 2);
  EXPECT_TRUE(board.is_waited_in(7, 5.0));
  EXPECT_FALSE(board.is_waited_in(7, 5.5));
  EXPECT_FALSE(board.is_waited_in(8, 0.0));
  board.hear(2, std::nullopt, 6.0);
  EXPECT_EQ(board.first_at({0, 1, 2}, kHere, 4.0), -1);
  EXPECT_FALSE(board.is_waited_in(7, 4.0));
}

TEST(InWords, EnumeratesAFewAndCountsACrowd) {
  EXPECT_EQ(in_words({"a"}), "a");
  EXPECT_EQ(in_words({"a", "b"}), "a and b");
  EXPECT_EQ(in_words({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(in_words(std::vector<std::string>(8, "a")), "a, a, a, a, a, a, a and a");
  EXPECT_EQ(in_words(std::vector<std::string>(11, "a")), "a, a, a, a, a, a, a, a and 3 more");
}

}  // namespace
}  // namespace reckon
