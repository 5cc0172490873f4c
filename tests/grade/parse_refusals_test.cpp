// What is no answer, what is over a limit, and characters that are not ASCII.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "parsed.h"
#include "reckon/base/philox.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::tree;

std::string repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ParseRefusals, SaysThatNothingIsThere) {
  for (const std::string_view text :
       {"", " \n", "$", "$$ $$", "\\[ \\]", ".", "\\quad", "\\text{}", "\xE2\x80\x8B"}) {
    EXPECT_EQ(parse_answer(text).status, ParseStatus::empty) << text;
  }
}

TEST(ParseRefusals, SaysWhatIsMalformed) {
  const testing::Reading readings[] = {
      {")", "malformed: \")\" where a value should be"},
      {"2 +", "malformed: the end where a value should be"},
      {"*", "malformed: \"*\" where a value should be"},
      {"!", "malformed: \"!\" where a value should be"},
      {"_", "malformed: the end where a subscript should be"},
      {"@", "malformed: \"@\" where a value should be"},
      {"\\", "malformed: \"\\\" where a value should be"},
      {"\\sqrt", "malformed: the end where a value should be"},
      {"\\frac{}{2}", "malformed: \"}\" where a value should be"},
      {"\\frac{1}", "malformed: the end where a value should be"},
      {"\\frac{d}{dx}", "malformed: the end where a value should be"},
      {"\\int", "malformed: the end where a value should be"},
      {"\\sum k", "malformed: a sum without bounds"},
      {"\\lim_{x} 2", "malformed: a limit without x \\to a"},
      {"\\lfloor a \\rceil", "malformed: \"\\rceil\" where the other half of the bracket should be"},
      {"(1,2", "malformed: the end where the end of a bracket should be"},
      {"{1", "malformed: the end where the end of a bracket should be"},
      {"1}", "malformed: \"}\" where the end should be"},
      {"()", "malformed: empty brackets"},
      {"(1,2,3]", "malformed: an interval of other than two ends"},
      {"|1", "malformed: the end where the end of a bracket should be"},
      {"1 2", "malformed: two numbers side by side"},
      {"1 00", "malformed: two numbers side by side"},
      {"0.333...", "malformed: \"...\" where a factor should be"},
      {"1,,2", "malformed: \",\" where a value should be"},
      {"x^", "malformed: the end where a value should be"},
      {"x_1_2", "malformed: a second subscript"},
      {"5_x", "malformed: \"x\" where the base of a number should be (need 2 to 36)"},
      {"(a+b)_2", "malformed: a subscript of what has no name"},
      {"\\zzz", "malformed: \"\\zzz\" where a value should be"},
      {"\\operatorname{floor}(1,2)", "malformed: a function of one value before a list"},
      {"\\sin", "malformed: the end where a value should be"},
      {"\\begin{matrix}1", "malformed: the end where \\end{matrix} should be"},
      {"\\begin{foo}1\\end{foo}", "malformed: \"foo\" where a value should be"},
      {"\\text{abc", "(text \"abc\\text{\")"},
      {"\\{1, 2 | x\\}", "malformed: a list before the condition of a set"},
      {"1\\text{ m}1\\text{ m}", "malformed: a unit twice in one quantity"},
      {"\\vec{1}", "malformed: \\vec over what has no name"},
  };
  testing::expect_trees(readings);
}

TEST(ParseRefusals, KeepsItsLimits) {
  EXPECT_EQ(tree(std::string(1001, '1')), "refused: an answer of 1001 bytes (limit 1000)");
  EXPECT_EQ(tree(std::string(1000, '1')), std::string(1000, '1'));
  EXPECT_EQ(tree(repeat("(", 33) + "1" + repeat(")", 33)), "refused: nested deeper than 32");
  EXPECT_EQ(tree(repeat("(", 32) + "1" + repeat(")", 32)), "1");
  EXPECT_EQ(tree(repeat("\\sqrt{", 33) + "1" + repeat("}", 33)), "refused: nested deeper than 32");
  EXPECT_EQ(tree("x" + repeat("!", 33)), "refused: more than 32 signs behind a value");
  EXPECT_EQ(tree("x" + repeat("!", 32)), "refused: a tree of more than 32 levels");
  EXPECT_EQ(tree(repeat("-", 33) + "1"), "refused: more than 32 signs in a row");
  EXPECT_EQ(tree("1" + repeat("/1", 33)), "refused: more than 32 divisions in a row");
  EXPECT_EQ(tree("1" + repeat("+1", 200)), "(add 1" + repeat(" 1", 200) + ")");  // no depth
  EXPECT_EQ(tree("1" + repeat(",2", 64)), "refused: more than 64 members");
  EXPECT_EQ(tree("1" + repeat(",2", 63)), "(list 1" + repeat(" 2", 63) + ")");
  EXPECT_EQ(tree(repeat("\\boxed{1,2}", 33)), "refused: more than 64 members");
  EXPECT_EQ(tree("\\begin{matrix}1" + repeat("&1", 16) + "\\end{matrix}"),
            "refused: a matrix of more than 16 columns");
  EXPECT_EQ(tree("\\begin{matrix}1" + repeat("\\\\1", 16) + "\\end{matrix}"),
            "refused: a matrix of more than 16 rows");
  EXPECT_EQ(tree("1e1234567890123456"), "refused: an exponent of more than 15 digits");
  ParseLimits limits;
  limits.max_tokens = 10;
  EXPECT_EQ(tree("1+1+1+1+1+1", Comma::separates_members, limits), "refused: more than 10 tokens");
  limits = {};
  limits.max_digits = 10;
  EXPECT_EQ(tree("12345678901", Comma::separates_members, limits),
            "refused: a number of more than 10 digits");
  EXPECT_EQ(tree("1.0\\overline{123456789}", Comma::separates_members, limits),
            "refused: a number of more than 10 digits");
}

/// Deep or long text must be refused before it costs stack or memory (its time: parse_bench). With the limits
/// on bytes and tokens raised the others still hold.
TEST(ParseRefusals, SurvivesBombs) {
  ParseLimits wide;
  wide.max_bytes = 1 << 20;
  wide.max_tokens = 1 << 20;
  const std::vector<std::string> bombs = {
      repeat("{", 5000),         repeat("(", 3000) + "1" + repeat(")", 3000),
      repeat("\\(", 5000) + "1", repeat("1 ", 20000),
      repeat("\\sqrt", 5000),    repeat("\\frac", 5000),
      repeat("\\bar", 5000),     repeat("\\sin ", 5000),
      repeat("x^", 5000) + "x",  repeat("x^{", 5000),
      repeat("x_", 5000) + "x",  repeat("|", 5000),
      repeat("-", 5000) + "1",   "x" + repeat("!", 5000),
      "x" + repeat("'", 5000),   repeat("f(", 5000) + "x",
      repeat("x(", 5000) + "x",  repeat("\\neg", 5000),
      repeat("\\int", 5000),     repeat("\\left\\{", 5000),
      repeat("\\$", 5000),       repeat("[", 5000),
      repeat("]", 5000),         repeat("\\begin{matrix}", 5000),
      repeat("\\boxed", 5000),   repeat("\\text{", 5000),
      repeat("1,111", 5000),     repeat("9^", 3000) + "9",
      repeat("\\pm", 5000),      repeat("\\sum_{i=1}^n", 3000),
      repeat("a mod ", 5000),    "A" + repeat("\\setminus A", 5000),
      repeat("\\boxed{1}", 5000)};
  for (const std::string& bomb : bombs) {
    const ParsedAnswer answer = parse_answer(bomb, Comma::separates_members, wide);
    EXPECT_NE(answer.status, ParseStatus::empty) << bomb.substr(0, 20);
    EXPECT_LT(to_text(answer.expr).size(), 200'000U) << bomb.substr(0, 20);
  }
  const std::string megabytes(5'000'000, '{');
  EXPECT_EQ(tree(megabytes), "refused: an answer of 5000000 bytes (limit 1000)");
}

TEST(ParseCharacters, ReadsWhatLooksTheSame) {
  const testing::Reading readings[] = {
      {"½", "(divide 1 2)"},
      {"1½", "(add 1 (divide 1 2))"},
      {"−5", "(negate 5)"},
      {"–5", "(negate 5)"},
      {"x²³", "(power x 23)"},
      {"x⁻¹", "(power x (negate 1))"},
      {"x₁", "x_{1}"},
      {"√3", "(root 3 2)"},
      {"√(x+1)", "(root (add x 1) 2)"},
      {"2πr", "(multiply 2 pi r)"},
      {"3×4÷2·x", "(multiply (divide (multiply 3 4) 2) x)"},
      {"x ≤ 5", "(relation x less_equal 5)"},
      {"x ≠ 5", "(relation x not_equal 5)"},
      {"(−∞, 3]", "(interval open closed (negate infinity) 3)"},
      {"ℝ∖{0}", "(set_difference (number_set R) (set 0))"},
      {"{1}∪{2}", "(set_union (set 1) (set 2))"},
      {"x∈∅", "(relation x element empty_set)"},
      {"f′(x)", "(call \"f'\" x)"},
      {"１２．５％", "(percent 12.5)"},
      {"（１，２）", "(tuple 1 2)"},
      {"𝑥+𝟐", "(add x 2)"},
      {"20℃", "(quantity \"celsius\" 20)"},
      {"5㎝", "(quantity \"cm\" 5)"},
      {"1\u00A0000", "1000"},
  };
  testing::expect_trees(readings);
}

TEST(ParseCharacters, DeletesTheInvisibleButNotBetweenDigits) {
  EXPECT_EQ(tree("x\u200B+\u20611"), "(add x 1)");
  EXPECT_EQ(tree("\uFEFF42"), "42");
  EXPECT_EQ(tree("\u202A42\u202C"), "42");
  EXPECT_EQ(tree("1\u200B5"), "refused: an invisible character between two digits");
  EXPECT_EQ(tree("1\u200B\u200D５"), "refused: an invisible character between two digits");
  EXPECT_EQ(tree("1\u00AD5"), "refused: an invisible character between two digits");
}

TEST(ParseCharacters, RefusesLookAlikesAndUnknownOnes) {
  constexpr std::string_view kAlike = "refused: a word of letters of two alphabets that look alike";
  EXPECT_EQ(tree("аx"), kAlike);         // Cyrillic a, Latin x
  EXPECT_EQ(tree("Βc"), kAlike);         // Greek capital beta
  EXPECT_EQ(tree("хο"), kAlike);         // Cyrillic, Greek
  EXPECT_EQ(tree("х"), "(text \"х\")");  // a Cyrillic word
  EXPECT_EQ(tree("x+х"), "(text \"x+х\")");
  EXPECT_EQ(tree("Α"), "Alpha");  // not A
  EXPECT_EQ(tree("٣"), "refused: the character U+0663");
  EXPECT_EQ(tree("5😀"), "refused: the character U+1F600");
  EXPECT_EQ(tree("5\x07"), "refused: control character U+0007");
  EXPECT_EQ(tree(std::string_view("5\0", 2)), "refused: control character U+0000");
  for (const std::string_view bytes :
       {"\xFF", "\xC0\xAF", "\xE2\x88", "\xED\xA0\x80", "\xF4\x90\x80\x80", "5\x80"}) {
    EXPECT_EQ(tree(bytes), "refused: a byte that is no UTF-8");
  }
}

/// Random pieces of answers: every one of them ends, within the limits, and the same way twice.
TEST(ParseRefusals, ReadsAnythingTwiceAlike) {
  constexpr std::array<std::string_view, 72> kPieces = {"1",
                                                        "23",
                                                        ".5",
                                                        "3e5",
                                                        "x",
                                                        "AB",
                                                        "e",
                                                        "i",
                                                        "\\pi",
                                                        "\\frac",
                                                        "\\sqrt",
                                                        "{",
                                                        "}",
                                                        "(",
                                                        ")",
                                                        "[",
                                                        "]",
                                                        "\\{",
                                                        "\\}",
                                                        "|",
                                                        "\\left",
                                                        "\\right",
                                                        "^",
                                                        "_",
                                                        "!",
                                                        "'",
                                                        "%",
                                                        "\\%",
                                                        "\\$",
                                                        "$",
                                                        ",",
                                                        ";",
                                                        ":",
                                                        "=",
                                                        "<",
                                                        "\\le",
                                                        "\\in",
                                                        "+",
                                                        "-",
                                                        "*",
                                                        "/",
                                                        "\\pm",
                                                        "\\mod",
                                                        "\\pmod",
                                                        " ",
                                                        "\\,",
                                                        "\\!",
                                                        "\\\\",
                                                        "&",
                                                        "\\begin{matrix}",
                                                        "\\end{matrix}",
                                                        "\\begin{cases}",
                                                        "\\end{cases}",
                                                        "\\text{",
                                                        "\\mathrm{",
                                                        "\\sin",
                                                        "\\log",
                                                        "\\gcd",
                                                        "\\int",
                                                        "dx",
                                                        "\\sum",
                                                        "\\lim_{x\\to",
                                                        "\\cup",
                                                        "\\boxed{",
                                                        "and",
                                                        " or ",
                                                        " meters",
                                                        "twenty",
                                                        "odd",
                                                        "\\overline",
                                                        "½",
                                                        "π"};
  RandomStream random(23, 5);
  int ok = 0;
  const std::size_t rounds = testing::sweep_size(20'000, 1'000'000);
  for (std::size_t round = 0; round < rounds; ++round) {
    std::string text;
    const auto length = random.below(12) + 1;
    for (std::uint32_t i = 0; i < length; ++i) text += kPieces[random.below(kPieces.size())];
    const std::string once = tree(text);
    ASSERT_EQ(once, tree(text)) << text;
    ok += parse_answer(text).status == ParseStatus::ok ? 1 : 0;
  }
  EXPECT_GT(ok, static_cast<int>(rounds / 20));  // the loop saw trees, too
}

}  // namespace
}  // namespace reckon
