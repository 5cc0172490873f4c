#include <algorithm>
#include <array>
#include <optional>

#include "generated_task.h"
#include "grid_answer.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "search_cursor.h"

namespace reckon {
namespace {

struct Level {
  int size = 0;
  std::uint32_t percent_blocked = 0;
  int min_steps = 1;  ///< of a shortest way: short ones could be guessed
};
constexpr std::array kLevels = {Level{4, 20, 4}, Level{6, 25, 6}, Level{8, 30, 8}, Level{10, 35, 10},
                                Level{12, 40, 12}};
constexpr std::uint32_t kPercentInfeasible = 15;
/// Grids tried after which the generator has a defect; a small grid without a way is rare, about one in 50.
constexpr int kMaxTries = 20'000;
constexpr int kMaxSize = 64;
constexpr std::string_view kInfeasible = "infeasible";

struct Direction {
  std::string_view name;
  std::string_view capitals;
  int row;
  int column;
};
constexpr std::array kDirections = {Direction{"up", "UP", -1, 0}, Direction{"down", "DOWN", 1, 0},
                                    Direction{"left", "LEFT", 0, -1}, Direction{"right", "RIGHT", 0, 1}};

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// A grid of free cells (.) and others; start and goal are cells row * columns + column.
struct Maze {
  int rows = 0;
  int columns = 0;
  std::string cells;  ///< row by row
  int start = 0;
  int goal = 0;

  /// The cell one step further; -1 where that leaves the grid or is blocked.
  [[nodiscard]] int next(int cell, const Direction& direction) const {
    const int row = cell / columns + direction.row;
    const int column = cell % columns + direction.column;
    if (row < 0 || row >= rows || column < 0 || column >= columns) return -1;
    const int to = row * columns + column;
    return cells[at(to)] == '#' ? -1 : to;
  }
};

/// The steps of a shortest way from the start to each cell; -1 where there is none.
std::vector<int> distances(const Maze& maze) {
  std::vector<int> steps(maze.cells.size(), -1);
  std::vector<int> queue = {maze.start};
  steps[at(maze.start)] = 0;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const Direction& direction : kDirections) {
      const int to = maze.next(queue[i], direction);
      if (to < 0 || steps[at(to)] >= 0) continue;
      steps[at(to)] = steps[at(queue[i])] + 1;
      queue.push_back(to);
    }
  }
  return steps;
}

/// The directions of a way, blanks, line ends or one comma between them. \return nothing where the text is
/// not that or has more than max_steps steps.
std::optional<std::vector<Direction>> read_way(std::string_view text, std::size_t max_steps) {
  SearchCursor cursor(text);
  std::vector<Direction> way;
  do {
    const std::string word = cursor.word();
    const auto found = std::find_if(kDirections.begin(), kDirections.end(),
                                    [&](const Direction& direction) { return direction.capitals == word; });
    if (found == kDirections.end() || way.size() == max_steps) return std::nullopt;
    way.push_back(*found);
  } while (cursor.take_separator());
  if (!cursor.at_end()) return std::nullopt;
  return way;
}

bool says_infeasible(std::string_view text) {
  SearchCursor cursor(text);
  return cursor.take("INFEASIBLE") && cursor.at_end();
}

std::string cell_name(const Maze& maze, int cell) {
  return "r" + std::to_string(cell / maze.columns + 1) + "c" + std::to_string(cell % maze.columns + 1);
}

/// The search from S layer by layer, up to G or to the end.
std::string layers_text(const Maze& maze, const std::vector<int>& steps) {
  std::string text = "r1c2 is row 1, column 2; S is " + cell_name(maze, maze.start) + ", G is " +
                     cell_name(maze, maze.goal) + ".\n";
  const int farthest = *std::max_element(steps.begin(), steps.end());
  const int last = steps[at(maze.goal)] >= 0 ? steps[at(maze.goal)] : farthest;
  for (int distance = 1; distance <= last; ++distance) {
    text += std::to_string(distance) + (distance == 1 ? " step:" : " steps:");
    for (std::size_t cell = 0; cell < steps.size(); ++cell) {
      if (steps[cell] == distance) text += " " + cell_name(maze, static_cast<int>(cell));
    }
    text += "\n";
  }
  return text;
}

class ShortestPathTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::shortest_path; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const Maze maze = read_maze(spec);
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const int steps = distances(maze)[at(maze.goal)];
    if (steps < 0) return says_infeasible(answer) ? Grade::equal : Grade::different;
    const auto way = read_way(answer, at(steps));
    if (!way || way->size() != at(steps)) return Grade::different;
    int cell = maze.start;
    for (const Direction& direction : *way) {
      cell = maze.next(cell, direction);
      if (cell < 0) return Grade::different;
    }
    return cell == maze.goal ? Grade::equal : Grade::different;
  }

  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return problem.answer == kInfeasible ? std::string(kDirections[0].name) : std::string(kInfeasible);
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return std::nullopt;
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(at(static_cast<int>(level_number) - 1));
    const bool feasible = random.below(100) >= kPercentInfeasible;
    for (int i = 0; i < kMaxTries; ++i) {
      auto maze = random_maze(level, feasible, random);
      if (maze) return make_draft(*maze);
    }
    throw Error(ExitCode::internal, "shortest_path: no problem of level " + std::to_string(level_number) +
                                        " in " + std::to_string(kMaxTries) + " grids");
  }

 private:
  /// A random grid and start, and one of the goals that will do; nothing where there are none.
  static std::optional<Maze> random_maze(const Level& level, bool feasible, RandomStream& random) {
    const int num_cells = level.size * level.size;
    Maze maze{level.size, level.size, std::string(at(num_cells), '.'), 0, 0};
    for (char& cell : maze.cells) cell = random.below(100) < level.percent_blocked ? '#' : '.';
    maze.start = static_cast<int>(random.below(static_cast<std::uint32_t>(num_cells)));
    // Where S or G is walled in, that there is no way is seen at once.
    const auto has_exit = [&](int cell) {
      return std::any_of(kDirections.begin(), kDirections.end(),
                         [&](const Direction& direction) { return maze.next(cell, direction) >= 0; });
    };
    if (maze.cells[at(maze.start)] == '#' || !has_exit(maze.start)) return std::nullopt;
    const std::vector<int> steps = distances(maze);
    std::vector<int> goals;
    for (int cell = 0; cell < num_cells; ++cell) {
      if (maze.cells[at(cell)] == '#') continue;
      if (feasible ? steps[at(cell)] >= level.min_steps : steps[at(cell)] < 0 && has_exit(cell))
        goals.push_back(cell);
    }
    if (goals.empty()) return std::nullopt;
    maze.goal = goals[random.below(static_cast<std::uint32_t>(goals.size()))];
    maze.cells[at(maze.start)] = 'S';
    maze.cells[at(maze.goal)] = 'G';
    return maze;
  }

  [[nodiscard]] Maze read_maze(std::string_view spec) const {
    const GridSpec rules(kind(), spec);
    const std::vector<std::string> rows = rules.strings("grid", {1, kMaxSize}, {1, kMaxSize});
    Maze maze{static_cast<int>(rows.size()), static_cast<int>(rows[0].size()), {}, 0, 0};
    for (const std::string& row : rows) {
      if (row.size() != rows[0].size())
        rules.fail("\"grid\" has rows of different lengths (need equal ones)");
      maze.cells += row;
    }
    if (maze.cells.find_first_not_of(".#SG") != std::string::npos) {
      rules.fail("\"grid\" has other cells than . # S G (need these)");
    }
    for (const char end : {'S', 'G'}) {
      if (std::count(maze.cells.begin(), maze.cells.end(), end) != 1) {
        rules.fail(std::string("\"grid\" has not one ") + end + " (need one S and one G)");
      }
    }
    maze.start = static_cast<int>(maze.cells.find('S'));
    maze.goal = static_cast<int>(maze.cells.find('G'));
    return maze;
  }

  /// A shortest way, found backwards from the goal; steps as distances() has them.
  static std::string way_text(const Maze& maze, const std::vector<int>& steps) {
    std::string way;
    for (int cell = maze.goal; cell != maze.start;) {
      for (const Direction& direction : kDirections) {
        const int before = maze.next(cell, {"", "", -direction.row, -direction.column});
        if (before < 0 || steps[at(before)] != steps[at(cell)] - 1) continue;
        way = std::string(direction.name) + (way.empty() ? "" : " ") + way;
        cell = before;
        break;
      }
    }
    return way;
  }

  static Draft make_draft(const Maze& maze) {
    const std::vector<int> steps = distances(maze);
    std::string grid;
    std::vector<std::string> rows;
    for (int row = 0; row < maze.rows; ++row) {
      rows.push_back(maze.cells.substr(at(row * maze.columns), at(maze.columns)));
      for (int column = 0; column < maze.columns; ++column) {
        grid += rows.back()[at(column)];
        grid += column + 1 < maze.columns ? ' ' : '\n';
      }
    }
    Draft draft;
    draft.prompt =
        "Find a shortest way from S to G. A step goes up, down, left or right to the next cell; cells with # "
        "are "
        "blocked.\n" +
        grid +
        "Answer with the steps of a shortest way in the form up left left down, or with the word infeasible "
        "if "
        "there is no way.";
    draft.spec = nlohmann::json{{"grid", rows}}.dump();
    draft.steps = layers_text(maze, steps);
    if (steps[at(maze.goal)] < 0) {
      draft.answer = kInfeasible;
      draft.steps += "There is no other cell to go to, and G is not among these: infeasible.";
    } else {
      draft.answer = way_text(maze, steps);
      draft.steps += "Back from G to cells one step nearer gives " + draft.answer + ".";
    }
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_shortest_path_task(std::string name) {
  return std::make_unique<ShortestPathTask>(std::move(name));
}

}  // namespace reckon
