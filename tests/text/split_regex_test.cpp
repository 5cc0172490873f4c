#include "text/split_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> matches_of(const SplitRegex& regex, const std::string& text) {
  std::vector<std::string> matches;
  std::size_t at = 0;
  while (const auto match = regex.find(text, at)) {
    matches.push_back(text.substr(match->begin, match->end - match->begin));
    at = match->end;
  }
  return matches;
}

std::vector<std::string> matches_of(const std::string& pattern, const std::string& text) {
  return matches_of(SplitRegex::compile(pattern, "test"), text);
}

TEST(SplitRegex, TakesTheFirstAlternativeThatMatches) {  // and not the longest
  EXPECT_THAT(matches_of("a|ab", "abab"), ElementsAre("a", "a"));
  EXPECT_THAT(matches_of("ab|a", "aba"), ElementsAre("ab", "a"));
  EXPECT_THAT(matches_of("a|ab|abc", "abc"), ElementsAre("a"));
  EXPECT_THAT(matches_of("(?:a|ab)(?:c|bcd)", "abcd"), ElementsAre("abcd"));  // a, then bcd
  EXPECT_THAT(matches_of("(a|ab)(c|bcd)(d*)", "abcd"), ElementsAre("abcd"));
}

TEST(SplitRegex, QuantifiersTakeAsMuchAsTheyCan) {
  EXPECT_THAT(matches_of("a+", "aaabaa"), ElementsAre("aaa", "aa"));
  EXPECT_THAT(matches_of("a*b", "aab b"), ElementsAre("aab", "b"));
  EXPECT_THAT(matches_of("a*ab", "aaab"), ElementsAre("aaab"));  // gives back one
  EXPECT_THAT(matches_of("a?b", "aab"), ElementsAre("ab"));
  EXPECT_THAT(matches_of("a{2}", "aaaaa"), ElementsAre("aa", "aa"));
  EXPECT_THAT(matches_of("a{1,3}", "aaaaa"), ElementsAre("aaa", "aa"));
  EXPECT_THAT(matches_of("a{2,}", "a aaaa"), ElementsAre("aaaa"));
  EXPECT_THAT(matches_of("(?:ab){2}c?", "ababcab"), ElementsAre("ababc"));
}

TEST(SplitRegex, FindsTheLeftmostMatch) {
  EXPECT_THAT(matches_of("bb|aab", "aaabb"), ElementsAre("aab"));
  EXPECT_THAT(matches_of("x", "abc"), IsEmpty());
  EXPECT_THAT(matches_of("x", ""), IsEmpty());
}

TEST(SplitRegex, LooksAheadAtTheEndOfAnAlternative) {
  // Three blanks before a letter: two, then the last with what follows or alone.
  EXPECT_THAT(matches_of(R"(\s+(?!\S)|\s+)", "a   b  "), ElementsAre("  ", " ", "  "));
  EXPECT_THAT(matches_of("a+(?!b)", "aaab"), ElementsAre("aa"));
  EXPECT_THAT(matches_of("a(?!b)", "ab"), IsEmpty());
  EXPECT_THAT(matches_of("a(?!b)", "a"), ElementsAre("a"));  // the end of the text is no b
  EXPECT_THAT(matches_of("ab?(?!c)", "abc"), ElementsAre("a"));
  EXPECT_THAT(matches_of("(?:x|a+(?!b))", "aab"), ElementsAre("a"));
}

TEST(SplitRegex, ReadsClassesAndEscapes) {
  EXPECT_THAT(matches_of("[a-c]+", "xabcd"), ElementsAre("abc"));
  EXPECT_THAT(matches_of("[^a-c]+", "xabcd\n"), ElementsAre("x", "d\n"));
  EXPECT_THAT(matches_of(R"([\]\-^\\]+)", "a]-^\\b"), ElementsAre("]-^\\"));
  EXPECT_THAT(matches_of("[-a]+[a-]", "b-a-"), ElementsAre("-a-"));
  EXPECT_THAT(matches_of(".+", "ab\ncd"), ElementsAre("ab", "cd"));
  EXPECT_THAT(matches_of(R"(\x41\x{e9}\u4e2d)", "A\xC3\xA9\xE4\xB8\xAD"),
              ElementsAre("A\xC3\xA9\xE4\xB8\xAD"));
  EXPECT_THAT(matches_of(R"(\p{Lu}\P{Lu}|\p{^L})", "AbCD1"), ElementsAre("Ab", "D1"));
  EXPECT_THAT(matches_of("[\xE4\xB8\x80-\xE9\xBE\xA5]+", "a\xE4\xB8\xAD\xE6\x96\x87z"),
              ElementsAre("\xE4\xB8\xAD\xE6\x96\x87"));
}

TEST(SplitRegex, IgnoresCaseAsOnigurumaDoes) {  // U+017F is a long s, U+212A the sign of the kelvin
  EXPECT_THAT(matches_of("(?i:'s|'ll|'ve)", "'S 'Ll 'vE '\xC5\xBF 'x"),
              ElementsAre("'S", "'Ll", "'vE", "'\xC5\xBF"));
  EXPECT_THAT(matches_of("'(?i:[sdmt]|ll|ve|re)", "'D'RE'\xC5\xBF"), ElementsAre("'D", "'RE", "'\xC5\xBF"));
  EXPECT_THAT(matches_of("(?i:k)K", "kK\xE2\x84\xAAK"), ElementsAre("kK", "\xE2\x84\xAAK"));
  EXPECT_THAT(matches_of("(?i:a)b", "AbAB"), ElementsAre("Ab"));
}

TEST(SplitRegex, FindsATextAsItStands) {
  EXPECT_THAT(matches_of(SplitRegex::of_text("a.b*", "test"), "axb a.b* a.bb"), ElementsAre("a.b*"));
  EXPECT_THROW((void)SplitRegex::of_text("", "test"), Error);
}

TEST(SplitRegex, RefusesByPositionWhatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a(?=b)", "at byte 1 it has \"(?=b\", an unknown group."},
      {"(?<=b)a", "at byte 0 it has \"(?<=\", an unknown group."},
      {"(?>a)", "at byte 0 it has \"(?>a\", an unknown group."},
      {"(?i)a", "at byte 0 it has \"(?i)\", an unknown group."},
      {"ab^c", "at byte 2 it has \"^\"."},
      {"a$", "at byte 1 it has \"$\"."},
      {R"(a\b)", R"(at byte 1 it has "\b", an unknown escape.)"},
      {R"((a)\1)", R"(at byte 3 it has "\1", an unknown escape.)"},
      {R"(\p{Han})", R"(at byte 0 it has the property "Han" (need a general category, like L or Lu).)"},
      {R"(\pL)", R"(at byte 0 it has \p without {...}.)"},
      {"a+?", "at byte 2 it has a second quantifier: lazy and possessive ones are not supported."},
      {"a++", "at byte 2 it has a second quantifier"},
      {"a{2}+", "at byte 4 it has a second quantifier"},
      {"*a", "at byte 0 it has \"*\"."},
      {"a|+", "at byte 2 it has \"+\"."},
      {"(ab", "at byte 0 it has \"(\" without \")\"."},
      {"ab)", "at byte 2 it has \")\" without \"(\"."},
      {"[ab", "at byte 0 it has \"[\" without \"]\"."},
      {"[]", "at byte 0 it has an empty class."},
      {"[a[b]]", "at byte 2 it has \"[\" inside a class (need \\[)."},
      {"[[:alpha:]]", "at byte 1 it has \"[\" inside a class"},
      {"[a&&b]", "at byte 2 it has \"&&\" inside a class."},
      {"[c-a]", "at byte 1 it has a range whose end is before its beginning."},
      {R"([\w-a])", "at byte 3 it has \"-\" after a class inside a class."},
      {"[a-c-e]", "at byte 4 it has \"-\" that makes no range (need \\-)."},
      {"a{,3}", "at byte 1 it has \"{\" without a number and \"}\"."},
      {"a{3,2}", "at byte 1 it has a repetition whose maximum is 0 or less than its minimum."},
      {"a{0}", "at byte 1 it has a repetition whose maximum is 0"},
      {"a{1001}", "at byte 1 it has a repetition above 1000."},
      {"a{2", "at byte 1 it has \"{\" without a number and \"}\"."},
      {"}", "at byte 0 it has \"}\"."},
      {"a*", "at byte 0 it has what can match the empty string."},
      {"", "at byte 0 it has what can match the empty string."},
      {"a|", "at byte 0 it has what can match the empty string."},
      {"(?!a)", "at byte 0 it has what can match the empty string."},
      {"(?:a?)+b", "at byte 0 it has a quantifier over what can be empty."},
      {"a(?!b)c", "at byte 1 it has a look-ahead that something can follow."},
      {"(?:a(?!b))c", "at byte 4 it has a look-ahead that something can follow."},
      {"(?:a(?!b))+", "at byte 4 it has a look-ahead that something can follow."},
      {"a(?!b)?", "at byte 6 it has a quantifier after a look-ahead."},
      {"a(?!bc)", "at byte 1 it has a look-ahead at more than one class."},
      {"(?i:ss)", R"(at byte 5 it has "ss" inside (?i:...), which one character can match.)"},
      {"(?i:St)", R"(at byte 5 it has "st" inside (?i:...))"},
      {"(?i:[s]t)", "at byte 7 it has a character after a class inside (?i:...)."},
      {"(?i:s[t])", "at byte 5 it has a class after other characters inside (?i:...)."},
      {"(?i:[^s])", "at byte 4 it has a class inside (?i:...) that is negated or not of ASCII characters."},
      {"(?i:\xC3\xA9)", "at byte 4 it has a character that is not ASCII inside (?i:...)."},
      {"(?i:a+)", "at byte 5 it has a quantifier inside (?i:...)."},
      {"(?i:(a))", "at byte 4 it has a group inside (?i:...)."},
      {R"((?i:\s))", "at byte 4 it has a class escape inside (?i:...)."},
      {R"(\x{110000})", "at byte 0 it has no character."},
      {R"(\x{})", "at byte 0 it has \\x{ without digits and }."},
      {R"(\u12)", "at byte 0 it has an escape without its digits."},
      {R"(\xE9)", "at byte 0 it has \\x of a byte that is not ASCII (need \\x{...})."},
      {"a\\", "at byte 1 it has a backslash at its end."},
      {std::string(60, '(') + "a" + std::string(60, ')'), "at byte 50 it has groups nested deeper than 50."},
  };
  for (const auto& [pattern, message] : cases) {
    try {
      (void)SplitRegex::compile(pattern, "t.json");
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(),
                  HasSubstr("t.json: the pattern " + pattern + " is not supported: " + message));
    }
  }
}

TEST(SplitRegex, NoMessageIsACommandToTheTerminal) {
  try {
    (void)SplitRegex::compile("a\x1B(?<\n", "t.json");
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        R"(t.json: the pattern a\u001B(?<\u000A is not supported: at byte 2 it has "(?<\u000A", an unknown group.)");
  }
}

TEST(SplitRegex, RefusesPatternsThatGetTooLarge) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"(?:a{1000}){1000}", "more than 20000 steps"},
      {"(?:a|b)*a(?:a|b){18}", "(need a smaller pattern)"},  // 2^18 states
      {std::string(20000, 'a'), "a pattern of 20000 bytes is not supported (need at most 16384)"},
      {"\xFF", "the pattern is not UTF-8"},
  };
  for (const auto& [pattern, message] : cases) {
    try {
      (void)SplitRegex::compile(pattern, "t.json");
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
  EXPECT_LT(SplitRegex::compile(R"(\p{N}{1,3}|\s+(?!\S)|\s+)", "test").num_states(), 10u);
}

}  // namespace
}  // namespace reckon
