#include <array>

#include "reckon/text/json.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxBase = 36;
constexpr std::size_t kMaxDigits = 40;  // base 2 writes 10^12 with these
constexpr std::int64_t kMaxValue = 1'000'000'000'000;

/// Values from `low`, so that no number has one digit only in both bases.
struct Level {
  std::int64_t max_base;
  std::int64_t low;
  std::int64_t high;
};
constexpr std::array<Level, 5> kLevels{
    {{8, 8, 100}, {10, 50, 1'000}, {16, 1'000, 10'000}, {24, 10'000, 100'000}, {36, 100'000, 1'000'000}}};
constexpr std::int64_t kMinBase = 2;

char digit_of(std::int64_t value) {
  return static_cast<char>(value < 10 ? '0' + value : 'A' + value - 10);
}

std::string written(std::int64_t value, std::int64_t base) {
  std::string digits;
  for (; value > 0; value /= base) digits.insert(digits.begin(), digit_of(value % base));
  return digits.empty() ? "0" : digits;
}

/// The value of digits without leading zeros, letters of either case; nothing where one is no digit of the
/// base or the value is above kMaxValue.
std::optional<std::int64_t> value_of(std::string_view digits, std::int64_t base) {
  if (digits.empty() || digits.size() > kMaxDigits || (digits[0] == '0' && digits.size() > 1))
    return std::nullopt;
  std::int64_t value = 0;
  for (const char c : words_lower(digits)) {
    const std::int64_t digit = c >= '0' && c <= '9'   ? c - '0'
                               : c >= 'a' && c <= 'z' ? c - 'a' + 10
                                                      : kMaxBase;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
    if (value > kMaxValue) return std::nullopt;
  }
  return value;
}

/// Horner's rule from the digits to the value, then division with remainder to the new digits.
std::string steps_of(const std::string& digits, std::int64_t from, std::int64_t value, std::int64_t to) {
  std::string text = "Value of " + digits + " in base " + std::to_string(from) + ", digit by digit:";
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::int64_t digit = *value_of(digits.substr(i, 1), from);
    const std::int64_t next = sum * from + digit;
    text += i == 0 ? " " + std::to_string(next)
                   : ", " + std::to_string(sum) + " * " + std::to_string(from) + " + " +
                         std::to_string(digit) + " = " + std::to_string(next);
    sum = next;
  }
  text += ".\nDivide by " + std::to_string(to) + ":";
  for (std::int64_t rest = value; rest > 0; rest /= to) {
    text += (rest == value ? " " : ", ") + std::to_string(rest) + " = " + std::to_string(rest / to) + " * " +
            std::to_string(to) + " + " + std::to_string(rest % to);
    if (rest % to >= 10) text += std::string(" (") + digit_of(rest % to) + ")";
  }
  return text + ".\nThe remainders from the last to the first: " + written(value, to) + ".";
}

class BaseConversionTask final : public WordsTask {
 public:
  explicit BaseConversionTask(std::string name) : WordsTask(std::move(name), TaskKind::base_conversion) {}

  /// The number that follows the right one.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const LogicSpec spec("base_conversion", problem.spec);
    const std::int64_t to = spec.integer("to", kMinBase, kMaxBase);
    return written(value_of(problem.answer, to).value_or(0) + 1, to);
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const std::int64_t from = spec.integer("from", kMinBase, kMaxBase);
    const std::int64_t to = spec.integer("to", kMinBase, kMaxBase);
    const std::string& digits = spec.text("digits", kMaxDigits);
    const auto value = value_of(digits, from);
    if (!value) {
      spec.fail("\"digits\" is no number of base " + std::to_string(from) + " (need digits of it, at most " +
                std::to_string(kMaxValue) + ")");
    }
    if (answer.ends_with('.')) answer.remove_suffix(1);
    return value_of(answer, to) == value ? Grade::equal : Grade::different;
  }

  [[nodiscard]] std::optional<std::uint64_t> count_problems(std::int64_t level) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const std::int64_t bases = l.max_base - kMinBase + 1;
    return static_cast<std::uint64_t>(bases * (bases - 1) * (l.high - l.low + 1));
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const std::int64_t from = words_within(random, kMinBase, l.max_base);
    std::int64_t to = words_within(random, kMinBase, l.max_base - 1);
    if (to >= from) ++to;
    const std::int64_t value = words_within(random, l.low, l.high);
    const std::string digits = written(value, from);
    std::string prompt = "The number " + digits + " is written in base " + std::to_string(from) +
                         ". Write it in base " + std::to_string(to) + ".";
    if (l.max_base > 10) prompt += " Digits above 9 are the letters A = 10, B = 11, ..., Z = 35.";
    const std::string answer = written(value, to);
    prompt += " Answer with the digits alone, without prefix and leading zeros, in a form like " +
              std::string(answer == "1203" ? "3021" : "1203") + ".";
    return {.prompt = std::move(prompt),
            .spec = nlohmann::json{{"digits", digits}, {"from", from}, {"to", to}}.dump(),
            .answer = answer,
            .steps = steps_of(digits, from, value, to)};
  }
};

}  // namespace

std::unique_ptr<Task> make_base_conversion_task(std::string name) {
  return std::make_unique<BaseConversionTask>(std::move(name));
}

}  // namespace reckon
