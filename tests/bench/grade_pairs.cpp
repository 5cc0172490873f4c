#include "grade_pairs.h"

#include <array>
#include <stdexcept>

#include "reckon/base/philox.h"
#include "support/answer_edits.h"
#include "support/math_answers.h"

namespace reckon::bench {
namespace {

using testing::MathAnswer;

constexpr std::uint32_t kStream = 0x62656E63;
constexpr std::size_t kCompletionBytes = 2000;
constexpr auto kForms = std::to_array<std::string_view>({"tags", "boxed", "answer_is", "hashes", "formula"});

/// A step of a solution: "She buys 12 boxes of 8 pencils each, so that is 12 * 8 = 96 pencils. "
std::string step(RandomStream& random) {
  static constexpr std::array<std::string_view, 6> kThings = {"pencils", "apples", "pages",
                                                              "dollars", "hours",  "miles"};
  const std::uint32_t a = 2 + random.below(40);
  const std::uint32_t b = 2 + random.below(12);
  const std::string thing(kThings[random.below(kThings.size())]);
  const std::string x = std::to_string(a);
  const std::string y = std::to_string(b);
  switch (random.below(4)) {
    case 0:
      return "First we work out the number of " + thing + ": " + x + " * " + y + " = " +
             std::to_string(a * b) + ". ";
    case 1:
      return "Together that makes " + x + " + " + y + " = " + std::to_string(a + b) + " " + thing +
             " in all.\n";
    case 2:
      return "In the second week \\(" + x + " \\cdot " + y + " = " + std::to_string(a * b) + "\\) " + thing +
             " are left, which is {" + y + "} times as many. ";
    default:
      return "Wait, let me check this again: half of the " + std::to_string(2 * a) + " " + thing + " is " +
             x + ", as it should be.\n\n";
  }
}

std::string ended(std::string_view form, const std::string& work, const std::string& answer) {
  if (form == "tags") return "<think>\n" + work + "\n</think>\n<answer>" + answer + "</answer>";
  if (form == "boxed") return work + "Therefore the result is $\\boxed{" + answer + "}$.";
  if (form == "answer_is") return work + "The answer is " + answer + ".";
  if (form == "hashes") return work + "\n#### " + answer;
  if (form == "formula") return work + "The total is $" + answer + "$.";
  throw std::invalid_argument("completions: no form \"" + std::string(form) + "\"");
}

GradePair math_pair(const MathAnswer& answer, RandomStream& random) {
  const auto any = [&](const std::vector<std::string>& texts) {
    return texts[random.below(static_cast<std::uint32_t>(texts.size()))];
  };
  if (random.below(2) == 0) return {answer.text, any(answer.same), true};
  for (;;) {
    const auto kind = testing::kEditKinds[random.below(testing::kEditKinds.size())];
    const auto edits = testing::edited(answer.text, kind, random);
    if (!edits.empty()) return {answer.text, any(edits), false};
  }
}

}  // namespace

std::span<const std::string_view> completion_forms() {
  return kForms;
}

std::vector<GradePair> completions(std::string_view form, std::size_t count) {
  RandomStream random(1, kStream);
  std::vector<GradePair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    std::string work;
    while (work.size() < kCompletionBytes - 100) work += step(random);
    const std::uint32_t gold = 1 + random.below(3) * random.below(5000) + random.below(90);
    const bool right = random.below(4) != 0;
    pairs.push_back({std::to_string(gold),
                     ended(form, work, std::to_string(right ? gold : gold + 1 + random.below(9))), right});
  }
  return pairs;
}

std::vector<GradePair> math_answers(std::size_t count) {
  RandomStream random(2, kStream);
  std::vector<GradePair> pairs;
  for (std::size_t i = 0; i < count; ++i) pairs.push_back(math_pair(testing::math_answer(random), random));
  return pairs;
}

std::vector<GradePair> math_answers(std::string_view kind, std::size_t count) {
  RandomStream random(3, kStream);
  std::vector<GradePair> pairs;
  for (std::size_t i = 0; i < count; ++i)
    pairs.push_back(math_pair(testing::math_answer(kind, random), random));
  return pairs;
}

}  // namespace reckon::bench
