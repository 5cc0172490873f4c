#include "reckon/base/one_line.h"

#include <gtest/gtest.h>

#include "reckon/base/error.h"

namespace reckon {
namespace {

TEST(OneLine, LeavesTextAlone) {
  EXPECT_EQ(in_one_line(""), "");
  EXPECT_EQ(in_one_line("Grüße, \"日本\" \\ 🙂"), "Grüße, \"日本\" \\ 🙂");
}

TEST(OneLine, EscapesWhatATerminalObeys) {
  EXPECT_EQ(in_one_line("a\nb\t\x1B[2J\x7F"), R"(a\u000Ab\u0009\u001B[2J\u007F)");
  EXPECT_EQ(in_one_line(std::string_view("\0", 1)), R"(\u0000)");
  EXPECT_EQ(in_one_line("\xC2\x9B"
                        "31m\xC2\x80\xC2\xA0"),
            "\\u009B31m\\u0080\xC2\xA0");  // U+00A0 is none
  EXPECT_EQ(in_quotes("\"\xC2\x9B\\"), R"("\"\u009B\\")");
}

TEST(OneLine, CutsBetweenCharacters) {
  EXPECT_EQ(in_one_line("abcdef", 6), "abcdef");
  EXPECT_EQ(in_one_line("abcdefg", 6), "abcdef...");
  EXPECT_EQ(in_one_line("abcdeé", 6), "abcde...");
  EXPECT_EQ(in_one_line("abcd🙂", 6), "abcd...");
  EXPECT_EQ(in_one_line("abc\n", 6), "abc...");  // an escape is not cut either
}

TEST(OneLine, TakesBytesThatAreNoText) {
  EXPECT_EQ(in_one_line("\xFF\xC2"), "\xFF\xC2");
  EXPECT_EQ(in_one_line(std::string(5000, '\x80')).size(), 1003U);
}

}  // namespace
}  // namespace reckon
