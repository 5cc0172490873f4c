#include <array>

#include "generated_task.h"
#include "grid_latin.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

/// What the shortest way to the solution needs.
enum class Technique {
  any,            ///< whatever it takes
  naked_single,   ///< nothing but cells with one digit left
  single,         ///< those and digits with one place left in a row, column or box
  hidden_single,  ///< singles, but naked ones are not enough
  guess,          ///< more than singles
};

struct Level {
  int num_blanks = 0;
  Technique technique = Technique::any;
  std::uint64_t distinct = 0;  ///< by exhaustion; 0: far too many to count
};

/// One of the two kinds.
struct Kind {
  TaskKind kind;
  int box;
  std::array<Level, 5> levels;
};
constexpr Kind kMini = {TaskKind::mini_sudoku,
                        2,
                        {Level{4, Technique::any, 522'624}, Level{6, Technique::any, 2'204'928},
                         Level{8, Technique::any, 2'961'024}, Level{10, Technique::any, 1'041'408},
                         Level{12, Technique::any, 25'728}}};
constexpr Kind kFull = {TaskKind::sudoku,
                        3,
                        {Level{20, Technique::naked_single, 0}, Level{30, Technique::naked_single, 0},
                         Level{40, Technique::single, 0}, Level{48, Technique::hidden_single, 0},
                         Level{54, Technique::guess, 0}}};

/// Grids tried after which the generator has a defect; at each level one in three or more will do.
constexpr int kMaxTries = 2000;
constexpr std::string_view kDigits = ".123456789";

bool needs(const LatinSteps& steps, Technique technique) {
  switch (technique) {
    case Technique::any:
      return true;
    case Technique::naked_single:
      return steps.num_hidden == 0 && steps.num_guesses == 0;
    case Technique::single:
      return steps.num_guesses == 0;
    case Technique::hidden_single:
      return steps.num_hidden > 0 && steps.num_guesses == 0;
    case Technique::guess:
      return steps.num_guesses > 0;
  }
  return false;
}

class SudokuTask final : public GeneratedTask {
 public:
  SudokuTask(std::string name, const Kind& kind)
      : GeneratedTask(std::move(name)), kind_(kind), puzzle_(kind.box * kind.box, kind.box) {}

  [[nodiscard]] TaskKind kind() const override { return kind_.kind; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridRows givens = read_givens(spec);
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    // The dot is a symbol of givens alone: an answer has no empty cells.
    auto rows = read_grid(answer, kDigits.substr(1, givens.size()), puzzle_.size(), puzzle_.size());
    if (!rows) return Grade::different;
    for (auto& row : *rows) {
      for (int& digit : row) ++digit;
    }
    return keeps_givens(*rows, givens) && puzzle_.is_solved(*rows) ? Grade::equal : Grade::different;
  }

  /// The solution with another digit in the first cell.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    answer[0] = answer[0] == '1' ? '2' : '1';
    return answer;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = level_of(level).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = level_of(level_number);
    for (int i = 0; i < kMaxTries; ++i) {
      const GridRows solution = puzzle_.random_grid(random);
      GridRows givens = solution;
      if (!puzzle_.empty_cells(level.num_blanks, random, givens)) continue;
      const LatinSteps steps = puzzle_.solve_in_steps(givens, solution);
      if (needs(steps, level.technique)) return make_draft(givens, solution, steps);
    }
    throw Error(ExitCode::internal, std::string(enum_name(kind())) + ": no problem of level " +
                                        std::to_string(level_number) + " in " + std::to_string(kMaxTries) +
                                        " grids");
  }

 private:
  [[nodiscard]] const Level& level_of(std::int64_t level) const {
    return kind_.levels.at(static_cast<std::size_t>(level - 1));
  }
  [[nodiscard]] GridRows read_givens(std::string_view spec) const {
    const int size = puzzle_.size();
    return GridSpec(kind(), spec).rows("givens", {size, size}, {size, size}, {0, size});
  }
  [[nodiscard]] Draft make_draft(const GridRows& givens, const GridRows& solution,
                                 const LatinSteps& steps) const {
    const std::string size = std::to_string(puzzle_.size());
    const std::string box = std::to_string(kind_.box);
    const std::string form = std::string("1 2 3 4 5 6 7 8 9").substr(0, givens.size() * 2 - 1);
    Draft draft;
    draft.prompt = "Complete the " + size + "x" + size + " sudoku: every row, every column and every " + box +
                   "x" + box + " box must hold each digit from 1 to " + size +
                   " once. Dots are empty cells.\n" + grid_text(givens, kDigits, " ") + "\nAnswer with the " +
                   size + " completed rows from the top, one a line, each in the form " + form + ".";
    draft.spec = nlohmann::json{{"givens", givens}}.dump();
    draft.answer = grid_text(solution, kDigits, " ");
    draft.steps = "r1c2 is the cell in row 1, column 2.\n" + steps.text;
    return draft;
  }

  Kind kind_;
  LatinPuzzle puzzle_;
};

}  // namespace

std::unique_ptr<Task> make_mini_sudoku_task(std::string name) {
  return std::make_unique<SudokuTask>(std::move(name), kMini);
}

std::unique_ptr<Task> make_sudoku_task(std::string name) {
  return std::make_unique<SudokuTask>(std::move(name), kFull);
}

}  // namespace reckon
