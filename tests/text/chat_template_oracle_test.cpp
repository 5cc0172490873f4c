#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "chat_conversations.h"
#include "chat_template_snippets.h"
#include "random_expressions.h"
#include "reckon/base/error.h"
#include "reckon/text/chat_template.h"
#include "support/paths.h"

namespace reckon {
namespace {

using Json = nlohmann::ordered_json;

/// Reads [source, variables] lines; writes ["ok", text] or ["error", message] for each.
constexpr const char* kScript = R"(
import json, re, sys, warnings
warnings.simplefilter("ignore")
from transformers.utils.chat_template_utils import _compile_jinja_template
for line in open(sys.argv[1], encoding="utf-8"):
    source, variables = json.loads(line)
    try:
        text = _compile_jinja_template(source).render(**variables)
        text.encode("utf-8")
        if re.search(r" at 0x[0-9a-f]+>|<class '|<built-in method", text):
            raise ValueError("the text depends on addresses")
        print(json.dumps(["ok", text]))
    except Exception as error:
        print(json.dumps(["error", f"{type(error).__name__}: {error}"]))
)";

struct Case {
  std::string source;
  Json variables;
};

/// The text, or nothing and the error's message.
struct Rendering {
  std::optional<std::string> text;
  std::string error;
};

std::vector<Rendering> render_in_python(const std::vector<Case>& cases) {
  const testing::TempDir folder;
  std::string lines;
  for (const Case& one : cases) lines += Json::array({one.source, one.variables}).dump() + "\n";
  testing::write_text(folder.path() / "cases.jsonl", lines);
  testing::write_text(folder.path() / "oracle.py", kScript);
  const auto result = testing::run_command(
      testing::oracle_python()->string() + " " + (folder.path() / "oracle.py").string() + " " +
      (folder.path() / "cases.jsonl").string() + " 2>" + (folder.path() / "stderr").string());
  EXPECT_EQ(result.exit_code, 0) << testing::read_text(folder.path() / "stderr");
  std::vector<Rendering> renderings;
  std::istringstream out(result.output);
  for (std::string line; std::getline(out, line);) {
    const Json answer = Json::parse(line);
    Rendering rendering;
    (answer[0] == "ok" ? rendering.text.emplace() : rendering.error) = answer[1].get<std::string>();
    renderings.push_back(rendering);
  }
  return renderings;
}

Rendering render_here(const Case& one) {
  try {
    return {ChatTemplate::parse(one.source, "template").render(one.variables), ""};
  } catch (const Error& error) {
    return {std::nullopt, error.what()};
  }
}

/// Something that is refused by design, though Python prints it: see chat_template.h. A slice of a number is
/// undefined for jinja2 where it knows the number at compile time, and an error where it does not.
bool is_refused(const Rendering& here) {
  return here.error.find("cannot be sliced") != std::string::npos ||
         here.error.find("is not supported") != std::string::npos ||
         here.error.find("cannot be printed") != std::string::npos;
}

/// Byte-identical output, or an error on both sides.
/// \param least_texts  the part of the cases that must give text, or the comparison shows little.
void expect_equal(const std::vector<Case>& cases, double least_texts = 0.5, bool may_refuse = false) {
  const auto expected = render_in_python(cases);
  ASSERT_EQ(expected.size(), cases.size());
  std::size_t num_texts = 0;
  std::size_t num_refused = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Rendering here = render_here(cases[i]);
    if (may_refuse && expected[i].text && is_refused(here)) {
      ++num_refused;
      continue;
    }
    const std::string shown =
        cases[i].source.size() < 1000 ? cases[i].source : cases[i].source.substr(0, 60) + "...";
    EXPECT_EQ(here.text, expected[i].text)
        << "template " << shown << "\nvariables " << cases[i].variables.dump() << "\nhere: " << here.error
        << "\nPython: " << expected[i].error;
    if (expected[i].text) ++num_texts;
  }
  ::testing::Test::RecordProperty("cases", static_cast<int>(cases.size()));
  ::testing::Test::RecordProperty("cases_with_text", static_cast<int>(num_texts));
  ::testing::Test::RecordProperty("cases_refused", static_cast<int>(num_refused));
  EXPECT_LT(static_cast<double>(num_refused), 0.05 * static_cast<double>(cases.size()));
  EXPECT_GT(static_cast<double>(num_texts), least_texts * static_cast<double>(cases.size()));
}

class TemplateOracle : public ::testing::TestWithParam<const char*> {};

TEST_P(TemplateOracle, TransformersRendersTheSameText) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  if (!testing::oracle_python()) GTEST_SKIP() << "no oracle Python";
  const std::string source = testing::read_text(*data / "templates" / (std::string(GetParam()) + ".jinja"));
  testing::ConversationGenerator generator(RandomStream(11, 0x636F6E76));
  std::vector<Case> cases;
  for (std::size_t i = 0; i < testing::sweep_size(200, 1500); ++i)
    cases.push_back({source, generator.variables()});
  expect_equal(cases);
}

INSTANTIATE_TEST_SUITE_P(Published, TemplateOracle,
                         ::testing::Values("Qwen-Qwen2.5-7B-Instruct", "Qwen-QwQ-32B", "Qwen-Qwen3-0.6B",
                                           "meta-llama-Llama-3.1-8B-Instruct",
                                           "meta-llama-Llama-3.3-70B-Instruct",
                                           "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
                                           "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

TEST(SnippetOracle, TransformersRendersTheSameText) {
  if (!testing::oracle_python()) GTEST_SKIP() << "no oracle Python";
  const Json variables = Json::parse(testing::kSnippetVariables);
  std::vector<Case> cases;
  for (const std::string snippet : testing::kSnippets) {
    cases.push_back({snippet, variables});
    // Several outputs in a line are compared one by one too: where one fails, the others still count.
    for (std::size_t at = 0, end = 0; snippet.find("{%") == std::string::npos; at = end + 3) {
      end = snippet.find("}} {{", at);
      if (end == std::string::npos) {
        if (at > 0) cases.push_back({snippet.substr(at), variables});
        break;
      }
      cases.push_back({snippet.substr(at, end + 2 - at), variables});
    }
  }
  expect_equal(cases);
}

TEST(ExpressionOracle, TransformersRendersRandomExpressionsTheSame) {
  if (!testing::oracle_python()) GTEST_SKIP() << "no oracle Python";
  const Json variables = Json::parse(testing::kSnippetVariables);
  testing::ExpressionGenerator generator(RandomStream(5, 0x65787072));
  std::vector<Case> cases;
  for (std::size_t i = 0; i < testing::sweep_size(2000, 20000); ++i) {
    cases.push_back({"{{ " + generator.expression(1 + static_cast<int>(i % 4)) + " }}", variables});
  }
  expect_equal(cases, 0.25, true);
}

}  // namespace
}  // namespace reckon
