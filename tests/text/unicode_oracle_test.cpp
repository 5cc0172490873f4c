#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "reckon/text/utf8.h"
#include "support/paths.h"
#include "text/split_regex.h"
#include "text/unicode.h"

namespace reckon {
namespace {

using nlohmann::json;
using Ranges = std::vector<CodePointSet::Range>;

/// What tests/text/unicode_oracle.py writes.
class UnicodeOracle : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto python = testing::oracle_python();
    if (!python) return;
    folder_ = std::make_unique<testing::TempDir>();
    const auto script = testing::source_dir() / "tests" / "text" / "unicode_oracle.py";
    result_ = testing::run_command(python->string() + " " + script.string() + " " + folder_->path().string() +
                                   " " + std::to_string(kNumStrings));
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "no oracle Python";
    ASSERT_EQ(result_.exit_code, 0) << result_.output;
  }

  static std::vector<json> lines_of(const std::string& name) {
    std::ifstream in(folder_->path() / name);
    std::vector<json> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }

  static constexpr int kNumStrings = 20000;
  static std::unique_ptr<testing::TempDir> folder_;
  static testing::CommandResult result_;
};

std::unique_ptr<testing::TempDir> UnicodeOracle::folder_;
testing::CommandResult UnicodeOracle::result_;

/// The code points below a limit, but for surrogates, that a pattern matches.
CodePointSet matched_by(const std::string& pattern, char32_t limit) {
  const SplitRegex regex = SplitRegex::compile(pattern, "test");
  Ranges ranges;
  for (char32_t code = 0; code <= limit; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    if (regex.find(text, 0)) ranges.push_back({code, code});
  }
  return CodePointSet(std::move(ranges));
}

CodePointSet up_to(char32_t limit, const CodePointSet& set) {
  Ranges ranges;
  for (const auto& range : set.ranges()) {
    if (range.first <= limit) ranges.push_back({range.first, std::min(range.last, limit)});
  }
  return CodePointSet(std::move(ranges));
}

TEST_F(UnicodeOracle, ClassesHoldTheSameCodePoints) {
  int num_classes = 0;
  for (const json& line : lines_of("classes.jsonl")) {
    const auto name = line[0].get<std::string>();
    const auto limit = line[2].get<char32_t>();
    Ranges ranges;
    for (const json& range : line[1]) ranges.push_back({range[0].get<char32_t>(), range[1].get<char32_t>()});
    const CodePointSet expected(ranges);
    const bool is_pattern = name[0] == '\\' || name[0] == '(' || name[0] == '[';
    if (name == "digits") {
      EXPECT_TRUE(rust_numeric().ranges() == expected.ranges());
    } else if (name == "single_word") {
      EXPECT_TRUE(rust_word().ranges() == expected.ranges());
    } else if (!is_pattern) {
      ASSERT_EQ(limit, kLastCodePoint);
      EXPECT_TRUE(general_category(name)->ranges() == expected.ranges()) << name;
      EXPECT_TRUE(matched_by("\\p{" + name + "}", 0x2FFF).ranges() == up_to(0x2FFF, expected).ranges())
          << name;
    } else {
      EXPECT_TRUE(matched_by(name, limit).ranges() == expected.ranges()) << name;
    }
    ++num_classes;
  }
  EXPECT_EQ(num_classes, 29 + 7 + 3 + 9 + 2);
}

TEST_F(UnicodeOracle, NormalisationFormCIsTheSame) {
  std::map<std::string, std::string> changed;
  for (const json& line : lines_of("nfc.jsonl")) {
    const auto text = line[0].get<std::string>();
    ASSERT_EQ(nfc(text), line[1].get<std::string>()) << line[0];
    if (is_surely_nfc(text)) {
      ASSERT_EQ(text, line[1].get<std::string>()) << line[0];
    }
    if (text != line[1]) changed.emplace(text, line[1]);
  }
  EXPECT_GT(changed.size(), 20000u);
  for (char32_t code = 0; code <= kLastCodePoint; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    if (changed.count(text) == 0) {
      ASSERT_EQ(nfc(text), text) << code_point_name(code);
    }
  }
}

TEST_F(UnicodeOracle, BadBytesAreReplacedAlike) {
  int num_bad = 0;
  for (const json& line : lines_of("bytes.jsonl")) {
    const auto digits = line[0].get<std::string>();
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    }
    const auto expected = line[1].get<std::string>();
    ASSERT_EQ(utf8_with_replacements(bytes), expected) << digits;
    ASSERT_EQ(is_utf8(bytes), bytes == expected) << digits;
    num_bad += bytes == expected ? 0 : 1;
  }
  EXPECT_GT(num_bad, kNumStrings / 2);
}

}  // namespace
}  // namespace reckon
