#include <algorithm>
#include <array>
#include <optional>

#include "generated_task.h"
#include "grid_answer.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "search_cryptarithm.h"

namespace reckon {
namespace {

struct Level {
  int num_addends = 2;
  int num_digits = 2;     ///< of each addend
  int num_different = 5;  ///< at most so many different digits are in the addends: with more, few are unique
  std::uint64_t distinct = 0;  ///< by exhaustion; 0: far too many to count
};
constexpr std::array kLevels = {Level{2, 2, 5, 40}, Level{2, 3, 5, 2588}, Level{2, 4, 6, 0},
                                Level{3, 4, 6, 0}, Level{3, 5, 8, 0}};
constexpr std::size_t kMinLetters = 3;
constexpr std::size_t kMaxLetters = 10;
constexpr int kMaxWord = 12;
constexpr int kMaxAddends = 6;
/// Sums tried after which the generator has a defect: one in 60 or more has one solution.
constexpr int kMaxTries = 20'000;
/// Digits the search for a second solution may try; a sum that needs more is passed over.
constexpr int kMaxNodes = 200'000;

/// Reads A=1 for letters between which stand blanks, line ends or one comma. \return nothing where the text
/// is not that or gives a letter twice.
std::optional<LetterDigits> read_digits(std::string_view text) {
  text = trim_blanks(text);
  if (text.ends_with('.')) text.remove_suffix(1);
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && std::string_view(" \t\n\r").find(text[at]) != std::string_view::npos) ++at;
  };
  const auto next = [&] {
    skip_blanks();
    return at < text.size() ? text[at++] : '\0';
  };
  LetterDigits digits;
  digits.fill(-1);
  while (true) {
    char letter = next();
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    if (letter < 'A' || letter > 'Z' || next() != '=') return std::nullopt;
    const char digit = next();
    int& place = digits[static_cast<std::size_t>(letter - 'A')];
    if (digit < '0' || digit > '9' || place != -1) return std::nullopt;
    place = digit - '0';
    const std::size_t end = at;
    skip_blanks();
    if (at == text.size()) return digits;
    if (text[at] == ',') {
      ++at;
    } else if (at == end) {
      return std::nullopt;
    }
  }
}

std::string digits_text(const Cryptarithm& puzzle, const LetterDigits& digits) {
  std::string text;
  for (const char letter : letters_of(puzzle)) {
    text += (text.empty() ? "" : ",") + std::string(1, letter) + "=" +
            std::to_string(digits[static_cast<std::size_t>(letter - 'A')]);
  }
  return text;
}

class CryptarithmTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::cryptarithm; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const Cryptarithm puzzle = read_puzzle(spec);
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const auto digits = read_digits(answer);
    if (!digits) return Grade::different;
    const std::string letters = letters_of(puzzle);
    for (char letter = 'A'; letter <= 'Z'; ++letter) {
      const bool given = (*digits)[static_cast<std::size_t>(letter - 'A')] >= 0;
      if (given != (letters.find(letter) != std::string::npos)) return Grade::different;
    }
    return is_solution(puzzle, *digits) ? Grade::equal : Grade::different;
  }

  /// The solution, which is the only one, with the digits of A and B changed over.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    std::swap(answer[2], answer[6]);  // A=1,B=2
    return answer;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = kLevels.at(static_cast<std::size_t>(level - 1)).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    for (int i = 0; i < kMaxTries; ++i) {
      LetterDigits digits;
      const Cryptarithm puzzle = canonical_cryptarithm(random_addends(level, random), digits);
      if (letters_of(puzzle).size() < kMinLetters) continue;
      if (count_solutions(puzzle, 2, kMaxNodes) == 1) return make_draft(puzzle, digits);
    }
    throw Error(ExitCode::internal, "cryptarithm: no problem of level " + std::to_string(level_number) +
                                        " in " + std::to_string(kMaxTries) + " draws");
  }

 private:
  /// Numbers of the level's length over some of the digits.
  static std::vector<int> random_addends(const Level& level, RandomStream& random) {
    const std::vector<int> order = random_order(10, random);
    std::vector<int> numbers;
    while (static_cast<int>(numbers.size()) < level.num_addends) {
      int number = 0;
      for (int i = 0; i < level.num_digits; ++i) {
        const std::uint32_t pick = random.below(static_cast<std::uint32_t>(level.num_different));
        // No number begins with 0: another digit of the choice, the first or the second, stands for it.
        const int digit = i == 0 && order[pick] == 0 ? order[pick == 0 ? 1 : 0] : order[pick];
        number = 10 * number + digit;
      }
      numbers.push_back(number);
    }
    return numbers;
  }

  [[nodiscard]] Cryptarithm read_puzzle(std::string_view spec) const {
    const GridSpec rules(kind(), spec);
    Cryptarithm puzzle;
    puzzle.addends = rules.strings("addends", {2, kMaxAddends}, {1, kMaxWord});
    puzzle.sum = rules.strings("sum", {1, 1}, {1, kMaxWord})[0];
    for (const std::string& word : puzzle.addends) {
      if (word.size() > puzzle.sum.size())
        rules.fail("\"addends\" has a word longer than the sum (need none)");
    }
    const std::string letters = letters_of(puzzle);
    if (letters.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
      rules.fail("words with other characters than A to Z (need capital letters)");
    }
    if (letters.size() > kMaxLetters) {
      rules.fail(std::to_string(letters.size()) + " letters (need at most 10, one a digit)");
    }
    return puzzle;
  }

  static Draft make_draft(const Cryptarithm& puzzle, const LetterDigits& digits) {
    const std::string letters = letters_of(puzzle);
    Draft draft;
    draft.prompt =
        "In this sum each letter stands for one digit, different letters for different digits, and no number "
        "begins with 0. Find the digit of each letter.\n" +
        cryptarithm_text(puzzle) + "\nAnswer with the digits of all letters, " + letters[0] + " to " +
        letters.back() + ", in the form A=1,B=2 and so on.";
    draft.spec = nlohmann::json{{"addends", puzzle.addends}, {"sum", {puzzle.sum}}}.dump();
    draft.answer = digits_text(puzzle, digits);
    draft.steps = "Take " + draft.answer + ". From the right:\n" + column_steps(puzzle, digits) +
                  "The sum comes out and no number begins with 0.";
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_cryptarithm_task(std::string name) {
  return std::make_unique<CryptarithmTask>(std::move(name));
}

}  // namespace reckon
