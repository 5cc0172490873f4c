#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "chat_conversations.h"
#include "chat_template_snippets.h"
#include "reckon/base/error.h"
#include "reckon/text/chat_template.h"
#include "support/paths.h"

namespace reckon {
namespace {

constexpr TemplateLimits kSmallLimits{.steps = 20'000, .depth = 20, .output_bytes = 20'000};

/// A few random edits: a byte changed, a piece taken out, doubled, or put elsewhere from another template.
std::string mutated(std::string text, const std::string& other, RandomStream& random) {
  const auto below = [&](std::size_t bound) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(bound + 1)));
  };
  for (std::uint32_t edits = 1 + random.below(6); edits > 0; --edits) {
    const std::size_t at = below(text.size());
    const std::size_t length = std::min(below(random.below(2) == 0 ? 4 : 60), text.size() - at);
    switch (random.below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3: {
        const std::size_t from = below(other.size());
        text.insert(at, other.substr(from, length));
        break;
      }
      case 4: {
        static constexpr std::string_view kPieces[] = {
            "(", ")", "[",        "]",    "{",     "}",        "{{",      "}}",    "{%",    "%}", "-",
            "|", ".", "'",        "\"",   " not ", " if ",     "*",       "**",    "//",    "%",  "~",
            ":", ",", "messages", "loop", "ns",    "range(9)", "|tojson", "|list", "[::-1]"};
        text.insert(at, kPieces[random.below(31)]);
        break;
      }
      default:
        text.insert(at, 1, static_cast<char>(random.below(256)));
    }
  }
  return text;
}

struct Outcome {
  int texts = 0;
  int errors = 0;
};

/// Text or reckon::Error; any other exception, or a crash, fails the test.
void render_mutation(const std::string& source, const nlohmann::ordered_json& variables, Outcome& outcome) {
  try {
    const std::string text = ChatTemplate::parse(source, "mutation").render(variables, kSmallLimits);
    EXPECT_LE(text.size(), kSmallLimits.output_bytes);
    ++outcome.texts;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_EQ(std::string(error.what()).rfind("mutation:", 0), 0u) << error.what();
    ++outcome.errors;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not a reckon::Error: " << error.what() << "\nfrom " << source;
  }
}

TEST(TemplateMutation, PublishedTemplatesGiveTextOrAnError) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  std::vector<std::string> sources;
  for (const auto& entry : std::filesystem::directory_iterator(*data / "templates")) {
    sources.push_back(testing::read_text(entry.path()));
  }
  std::sort(sources.begin(), sources.end());  // the order of a folder is the file system's
  ASSERT_EQ(sources.size(), 7u);
  RandomStream random(3, 0x6D757461);
  testing::ConversationGenerator generator(RandomStream(4, 0x6D757461));
  Outcome outcome;
  for (std::size_t i = 0; i < testing::sweep_size(4000, 60000); ++i) {
    const std::string& source = sources[i % sources.size()];
    const std::string& other = sources[random.below(7)];
    render_mutation(mutated(source, other, random), generator.variables(), outcome);
  }
  EXPECT_GT(outcome.texts, 0);
  EXPECT_GT(outcome.errors, 0);
}

TEST(TemplateMutation, SnippetsGiveTextOrAnError) {
  const auto variables = nlohmann::ordered_json::parse(testing::kSnippetVariables);
  RandomStream random(5, 0x6D757461);
  const auto num_snippets = static_cast<std::uint32_t>(std::size(testing::kSnippets));
  Outcome outcome;
  for (std::size_t i = 0; i < testing::sweep_size(6000, 200000); ++i) {
    const std::string source = testing::kSnippets[i % num_snippets];
    render_mutation(mutated(source, testing::kSnippets[random.below(num_snippets)], random), variables,
                    outcome);
  }
  EXPECT_GT(outcome.texts, 0);
  EXPECT_GT(outcome.errors, 0);
}

}  // namespace
}  // namespace reckon
