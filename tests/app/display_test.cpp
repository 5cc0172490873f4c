#include "app/display.h"

#include <gtest/gtest.h>

namespace reckon {
namespace {

TEST(Display, TextsOfNumbers) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(65.4), "1:05");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(12345), "12.3k");
  EXPECT_EQ(short_count(2.5e6), "2.5M");
  EXPECT_EQ(fixed(0.98765, 3), "0.988");
}

TEST(Display, LiveLinesReplaceEachOtherAndTheLastOneStays) {
  ::testing::internal::CaptureStdout();
  {
    Display display(ProgressMode::live, false);
    display.begin_stage("rl-1", "grpo", 2);
    display.step(1, {{"reward", "0.5"}});
    display.step(2, {{"reward", "0.9"}});
    display.end_stage("");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "\r\033[Krl-1 1/2  reward 0.5  left 0:00"
            "\r\033[Krl-1 2/2  reward 0.9  left 0:00"
            "\r\033[Krl-1 2/2  reward 0.9\n"
            "rl-1 (grpo) done in 0:00\n");
}

TEST(Display, PlainOutputHasNoControlCharactersAndAQuietRankSaysNothing) {
  for (const bool quiet : {false, true}) {
    ::testing::internal::CaptureStdout();
    {
      Display display(ProgressMode::plain, quiet);
      display.begin_stage("s", "sft", 100);
      for (int step = 1; step <= 100; ++step) display.step(step, {{"loss", "1"}});
      display.end_stage("  x");
    }
    EXPECT_EQ(
        ::testing::internal::GetCapturedStdout(),
        quiet ? "" : "s 1/100  loss 1  left 0:00\ns 100/100  loss 1  left 0:00\ns (sft) done in 0:00  x\n");
  }
}

}  // namespace
}  // namespace reckon
