#include <algorithm>
#include <array>
#include <bit>
#include <set>

#include "generated_task.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "search_expression.h"
#include "search_numbers.h"

namespace reckon {
namespace {

/// Levels 1 to 3 become harder by having fewer solutions, 4 and 5 by needing more numbers at once.
struct Level {
  int num_numbers = 0;
  int max_value = 0;
  int low_target = 0;
  int high_target = 0;
  std::uint32_t min_ways = 1;  ///< trees of operations that make the target, over all sets of numbers
  int min_numbers = 2;         ///< no fewer numbers make the target
};
constexpr std::array kLevels = {Level{3, 20, 10, 100, 5, 2}, Level{4, 50, 10, 100, 3, 2},
                                Level{4, 99, 50, 500, 2, 2}, Level{5, 99, 100, 999, 1, 4},
                                Level{6, 100, 100, 999, 1, 5}};
/// Level 1 by exhaustion; the others have far more than can be counted so.
constexpr std::uint64_t kLevel1Problems = 827;

constexpr int kMaxTarget = 9999;
/// Tries after which a generator has a defect: each succeeds with a probability above 1 in 10.
constexpr int kMaxTries = 2000;
/// Random combinations of values after which other numbers are drawn.
constexpr int kMaxCombinations = 400;

struct Solved {
  int target = 0;
  MadeValue made;
};

/// What some numbers make, over all their sets of a size that is listed: [target] from low to high.
struct Targets {
  std::vector<std::uint64_t> ways;
  std::vector<std::optional<MadeValue>> whole;  ///< a way through whole numbers
};

Targets list_targets(const NumberSearch& search, const Level& level) {
  const auto size = static_cast<std::size_t>(level.high_target - level.low_target + 1);
  Targets targets{std::vector<std::uint64_t>(size), std::vector<std::optional<MadeValue>>(size)};
  for (std::uint32_t set = 1; set < search.num_sets(); ++set) {
    for (const MadeValue& made : search.values(set)) {
      const std::int64_t value = made.value.numerator;
      if (made.value.denominator != 1 || value < level.low_target || value > level.high_target) continue;
      const auto place = static_cast<std::size_t>(value - level.low_target);
      targets.ways[place] += made.ways;
      if (made.whole && !targets.whole[place]) targets.whole[place] = made;
    }
  }
  return targets;
}

/// One of the targets that are made in enough ways, each as likely as the other.
std::optional<Solved> pick_listed(const NumberSearch& search, std::span<const int> numbers,
                                  const Level& level, RandomStream& random) {
  const Targets targets = list_targets(search, level);
  std::vector<Solved> solved;
  for (int target = level.low_target; target <= level.high_target; ++target) {
    const auto place = static_cast<std::size_t>(target - level.low_target);
    if (targets.ways[place] < level.min_ways || !targets.whole[place]) continue;
    if (std::find(numbers.begin(), numbers.end(), target) != numbers.end()) continue;
    solved.push_back({target, *targets.whole[place]});
  }
  if (solved.empty()) return std::nullopt;
  return solved[random.below(static_cast<std::uint32_t>(solved.size()))];
}

/// A random operation on random values of two parts of a set. Nothing where it leads out of whole numbers.
std::optional<MadeValue> random_combination(const NumberSearch& search, std::uint32_t set, int max_size,
                                            RandomStream& random) {
  MadeValue made;
  do {
    made.left_set = random.below(search.num_sets()) & set;
    made.right_set = set ^ made.left_set;
  } while (std::popcount(made.left_set) > max_size || std::popcount(made.right_set) > max_size ||
           made.left_set == 0 || made.right_set == 0);
  const auto& left = search.values(made.left_set);
  const auto& right = search.values(made.right_set);
  made.left_index = random.below(static_cast<std::uint32_t>(left.size()));
  made.right_index = random.below(static_cast<std::uint32_t>(right.size()));
  made.operation = "+-*/"[random.below(4)];
  const MadeValue& a = left[made.left_index];
  const MadeValue& b = right[made.right_index];
  const auto value = apply_operation(a.value, made.operation, b.value);
  if (!a.whole || !b.whole || !value || value->denominator != 1) return std::nullopt;
  made.value = *value;
  return made;
}

/// A target that the sets listed do not make: they are those with fewer numbers than the level asks for.
std::optional<Solved> pick_unlisted(const NumberSearch& search, const Level& level, RandomStream& random) {
  const Targets listed = list_targets(search, level);
  const std::uint32_t all = search.num_sets() - 1;
  for (int i = 0; i < kMaxCombinations; ++i) {
    std::uint32_t set = all;
    if (random.below(2) == 0)
      set ^= std::uint32_t{1} << random.below(static_cast<std::uint32_t>(level.num_numbers));
    const auto made = random_combination(search, set, level.min_numbers - 1, random);
    if (!made || made->value.numerator < level.low_target || made->value.numerator > level.high_target)
      continue;
    const int target = static_cast<int>(made->value.numerator);
    if (listed.ways[static_cast<std::size_t>(target - level.low_target)] == 0) return Solved{target, *made};
  }
  return std::nullopt;
}

std::string list_text(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    text += i == 0 ? "" : i + 1 == numbers.size() ? " and " : ", ";
    text += std::to_string(numbers[i]);
  }
  return text;
}

Draft make_draft(const std::vector<int>& numbers, const NumberSearch& search, const Solved& solved) {
  const std::string target = std::to_string(solved.target);
  Draft draft;
  draft.prompt =
      "Make " + target + " from the numbers " + list_text(numbers) +
      " with +, -, *, / and parentheses. Use each number at most once; not all need to be used. Each "
      "operation takes two operands, and division is exact, without rounding.\n"
      "Answer with one expression, in the form (1 + 2) * 3.";
  draft.spec = nlohmann::json{{"numbers", numbers}, {"target", solved.target}}.dump();
  draft.answer = search.expression(solved.made);
  draft.steps = search.steps(solved.made) + "So " + draft.answer + " = " + target + ".";
  return draft;
}

class CountdownTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::countdown; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridSpec rules(kind(), spec);
    const std::vector<int> numbers = rules.integers("numbers", {1, 8}, {1, kMaxTarget});
    const int target = rules.integer("target", {1, kMaxTarget});
    return grade_expression(answer, numbers, NumbersUsed::some, target);
  }

  /// A number alone: the target is never one of them.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return std::to_string(GridSpec(kind(), problem.spec).integers("numbers", {1, 8}, {1, kMaxTarget})[0]);
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    if (level == 1) return kLevel1Problems;
    return std::nullopt;
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    const bool listed = level.min_numbers == 2;
    for (int i = 0; i < kMaxTries; ++i) {
      std::vector<int> numbers;
      for (int k = 0; k < level.num_numbers; ++k) {
        numbers.push_back(1 + static_cast<int>(random.below(static_cast<std::uint32_t>(level.max_value))));
      }
      std::sort(numbers.begin(), numbers.end());  // one way to write a problem
      const NumberSearch search(numbers, listed ? level.num_numbers : level.min_numbers - 1);
      const auto solved =
          listed ? pick_listed(search, numbers, level, random) : pick_unlisted(search, level, random);
      if (solved) return make_draft(numbers, search, *solved);
    }
    throw Error(ExitCode::internal, "countdown: no problem of level " + std::to_string(level_number) +
                                        " in " + std::to_string(kMaxTries) + " draws");
  }
};

}  // namespace

std::unique_ptr<Task> make_countdown_task(std::string name) {
  return std::make_unique<CountdownTask>(std::move(name));
}

}  // namespace reckon
