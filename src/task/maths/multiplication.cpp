#include <array>

#include "number_answer.h"
#include "puzzles/words_task.h"

namespace reckon {
namespace {

constexpr std::array<std::size_t, 5> kDigits{2, 3, 4, 6, 8};  // of both factors
constexpr std::int64_t kMaxFactor = 999'999'999;              // products stay below 2^63

std::int64_t ten_to(std::size_t exponent) {
  std::int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

/// 47 * 36 = 47 * 30 + 47 * 6: one product for each digit of the second factor, then their running sum.
std::string steps_of(std::int64_t first, std::int64_t second) {
  const std::string digits = std::to_string(second);
  std::string text;
  std::string sums;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '0') continue;
    const std::int64_t part = (digits[i] - '0') * ten_to(digits.size() - 1 - i);
    text +=
        std::to_string(first) + " * " + std::to_string(part) + " = " + std::to_string(first * part) + "\n";
    if (sum > 0) {
      sums += std::to_string(sum) + " + " + std::to_string(first * part) + " = " +
              std::to_string(sum + first * part) + "\n";
    }
    sum += first * part;
  }
  return text + sums + "So " + std::to_string(first) + " * " + digits + " = " + std::to_string(sum) + ".";
}

class MultiplicationTask final : public WordsTask {
 public:
  explicit MultiplicationTask(std::string name) : WordsTask(std::move(name), TaskKind::multiplication) {}

  /// The middle digit of the product changed: right size, right ends.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    char& digit = answer[answer.size() / 2];
    digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
    return answer;
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    return grade_whole(spec.integer("a", 0, kMaxFactor) * spec.integer("b", 0, kMaxFactor), answer);
  }

  [[nodiscard]] std::optional<std::uint64_t> count_problems(std::int64_t level) const override {
    const auto factors =
        static_cast<std::uint64_t>(9 * ten_to(kDigits.at(static_cast<std::size_t>(level - 1)) - 1));
    return factors * factors;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const std::size_t digits = kDigits.at(static_cast<std::size_t>(level - 1));
    const std::int64_t first = words_within(random, ten_to(digits - 1), ten_to(digits) - 1);
    const std::int64_t second = words_within(random, ten_to(digits - 1), ten_to(digits) - 1);
    return {.prompt = "Compute " + std::to_string(first) + " * " + std::to_string(second) +
                      " exactly. Answer with the product alone, in digits, in a form like 1234.",
            .spec = nlohmann::json{{"a", first}, {"b", second}}.dump(),
            .answer = std::to_string(first * second),
            .steps = steps_of(first, second)};
  }
};

}  // namespace

std::unique_ptr<Task> make_multiplication_task(std::string name) {
  return std::make_unique<MultiplicationTask>(std::move(name));
}

}  // namespace reckon
