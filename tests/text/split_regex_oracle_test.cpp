#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/base/error.h"
#include "support/paths.h"
#include "text/split_regex.h"

namespace reckon {
namespace {

using nlohmann::json;

#ifdef NDEBUG
const std::size_t kNumPatterns = testing::sweep_size(4000, 40000);
#else  // with sanitizers
const std::size_t kNumPatterns = testing::sweep_size(800, 4000);
#endif

TEST(SplitRegexOracle, OnigurumaMatchesTheSame) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no oracle Python";
  const auto script = testing::source_dir() / "tests" / "text" / "split_regex_oracle.py";
  const auto result = testing::run_command("(" + python->string() + " " + script.string() + " " +
                                           std::to_string(kNumPatterns) + " 2>/dev/null)");
  ASSERT_EQ(result.exit_code, 0);
  std::istringstream lines(result.output);
  std::size_t num_compiled = 0;
  std::size_t num_matches = 0;
  std::size_t num_too_large = 0;
  for (std::string line; std::getline(lines, line);) {
    const json oracle = json::parse(line);
    const auto pattern = oracle["pattern"].get<std::string>();
    std::optional<SplitRegex> regex;
    try {
      regex = SplitRegex::compile(pattern, "test");
    } catch (const Error& error) {
      // The only things that the script makes and we refuse.
      const std::string message = error.what();
      if (message.find("the automaton of the pattern gets too large") != std::string::npos) {
        ++num_too_large;
        continue;
      }
      ASSERT_TRUE(message.find("what can match the empty string") != std::string::npos ||
                  message.find("a quantifier over what can be empty") != std::string::npos)
          << message;
      continue;
    }
    ++num_compiled;
    for (const json& item : oracle["texts"]) {
      const auto text = item[0].get<std::string>();
      json matches = json::array();
      std::size_t at = 0;
      while (const auto match = regex->find(text, at)) {
        matches.push_back({match->begin, match->end});
        at = match->end;
      }
      ASSERT_EQ(matches, item[1]) << pattern << " on " << item[0];
      num_matches += matches.size();
    }
  }
  EXPECT_LT(num_too_large, kNumPatterns / 100);
  EXPECT_GT(num_compiled, kNumPatterns * 3 / 5);
  EXPECT_GT(num_matches, num_compiled * 10);
}

}  // namespace
}  // namespace reckon
