#include <algorithm>
#include <array>

#include "generated_task.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "search_expression.h"
#include "search_numbers.h"

namespace reckon {
namespace {

constexpr int kTarget = 24;
constexpr std::size_t kNumNumbers = 4;
constexpr GridRange kCount = {4, 4};
constexpr GridRange kValues = {1, 99};
constexpr std::uint32_t kAllNumbers = 15;  // the set of all four

struct Level {
  std::uint32_t max_value = 0;
  bool whole = true;           ///< solved in whole numbers; else each solution goes through a fraction
  std::uint64_t distinct = 0;  ///< sets of values that have such a solution, by exhaustion
};
constexpr std::array kLevels = {Level{6, true, 102}, Level{9, true, 397}, Level{10, true, 556},
                                Level{13, true, 1346}, Level{13, false, 16}};
/// Draws of values after which the generator has a defect: at level 5 about one in 100 will do.
constexpr int kMaxTries = 20'000;

class Game24Task final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::game24; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const std::vector<int> numbers = GridSpec(kind(), spec).integers("numbers", kCount, kValues);
    return grade_expression(answer, numbers, NumbersUsed::all, kTarget);
  }

  /// The sum of the four; where that is 24, the last is taken away instead of added.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const std::vector<int> numbers = GridSpec(kind(), problem.spec).integers("numbers", kCount, kValues);
    std::string text;
    int sum = 0;
    for (std::size_t i = 0; i < kNumNumbers; ++i) {
      sum += numbers[i];
      const char* operation = i == 0 ? "" : i + 1 == kNumNumbers && sum == kTarget ? " - " : " + ";
      text += operation + std::to_string(numbers[i]);
    }
    return text;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return level_of(level).distinct;
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = level_of(level_number);
    for (int i = 0; i < kMaxTries; ++i) {
      std::vector<int> numbers;
      for (std::size_t k = 0; k < kNumNumbers; ++k) {
        numbers.push_back(1 + static_cast<int>(random.below(level.max_value)));
      }
      std::sort(numbers.begin(), numbers.end());  // one way to write a problem
      const NumberSearch search(numbers, 3);
      const auto made = search.make(kAllNumbers, kTarget);
      if (made && made->whole == level.whole) return make_draft(numbers, search, *made);
    }
    throw Error(ExitCode::internal, "game24: no problem of level " + std::to_string(level_number) + " in " +
                                        std::to_string(kMaxTries) + " draws");
  }

 private:
  static const Level& level_of(std::int64_t level) { return kLevels.at(static_cast<std::size_t>(level - 1)); }

  static Draft make_draft(const std::vector<int>& numbers, const NumberSearch& search,
                          const MadeValue& made) {
    std::string list;
    for (const int number : numbers) list += (list.empty() ? "" : ", ") + std::to_string(number);
    Draft draft;
    draft.prompt =
        "Make 24 from the numbers " + list +
        " with +, -, *, / and parentheses. Use every number exactly once, in any order. Each operation "
        "takes two operands, and division is exact, without rounding.\n"
        "Answer with one expression, in the form (1 + 2) * 3 - 4.";
    draft.spec = nlohmann::json{{"numbers", numbers}}.dump();
    draft.answer = search.expression(made);
    draft.steps = search.steps(made) + "So " + draft.answer + " = 24.";
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_game24_task(std::string name) {
  return std::make_unique<Game24Task>(std::move(name));
}

}  // namespace reckon
