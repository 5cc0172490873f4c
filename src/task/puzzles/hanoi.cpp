#include <algorithm>
#include <array>
#include <optional>

#include "generated_task.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

/// Start and goal are any two states: towers on one peg alone would make six problems a level.
struct Level {
  int num_disks = 0;
  int num_pegs = 3;
  int min_moves = 1;           ///< between start and goal on a shortest way
  int allowed_factor = 1;      ///< so many times the shortest way may be taken
  std::uint64_t distinct = 0;  ///< pairs of states so far from each other, by exhaustion; 0: not counted
};
constexpr std::array kLevels = {Level{2, 3, 2, 2, 48}, Level{3, 3, 4, 2, 408}, Level{4, 3, 8, 1, 3576},
                                Level{5, 3, 16, 1, 31'800}, Level{6, 4, 10, 1, 0}};
constexpr int kMaxDisks = 12;
constexpr int kMaxPegs = 6;
constexpr int kMaxMoves = 10'000;
/// Pairs of states tried after which the generator has a defect: one in three or more will do.
constexpr int kMaxTries = 1000;

struct Move {
  int from = 0;
  int to = 0;
};
/// [disk] the peg it is on, from 0; the smallest disk first.
using State = std::vector<int>;

/// The smallest disk on a peg; disks.size() where it is empty.
std::size_t top(const State& state, int peg) {
  return static_cast<std::size_t>(std::find(state.begin(), state.end(), peg) - state.begin());
}

/// Moves the top disk. \return false where the rules forbid it.
bool make_move(State& state, Move move) {
  const std::size_t disk = top(state, move.from);
  if (move.from == move.to || disk == state.size() || disk > top(state, move.to)) return false;
  state[disk] = move.to;
  return true;
}

/// A state as a number: its pegs are the digits.
std::size_t number_of(const State& state, int num_pegs) {
  std::size_t number = 0;
  for (const int peg : state)
    number = number * static_cast<std::size_t>(num_pegs) + static_cast<std::size_t>(peg);
  return number;
}

/// A shortest sequence of moves, by breadth-first search over all states: 4^6 at most.
std::vector<Move> shortest_way(const State& start, const State& goal, int num_pegs) {
  struct Seen {
    std::size_t before = 0;  ///< place in the queue of the state it was reached from
    Move move;
    bool seen = false;
  };
  std::size_t num_states = 1;
  for (std::size_t i = 0; i < start.size(); ++i) num_states *= static_cast<std::size_t>(num_pegs);
  std::vector<Seen> seen(num_states);
  seen[number_of(start, num_pegs)].seen = true;
  std::vector<State> queue = {start};
  std::size_t at = 0;
  for (; queue[at] != goal; ++at) {
    State state = queue[at];
    for (int from = 0; from < num_pegs; ++from) {
      for (int to = 0; to < num_pegs; ++to) {
        if (!make_move(state, {from, to})) continue;
        Seen& place = seen[number_of(state, num_pegs)];
        if (!place.seen) {
          place = {at, {from, to}, true};
          queue.push_back(state);
        }
        (void)make_move(state, {to, from});  // back: what came on top is the smallest there
      }
    }
  }
  std::vector<Move> moves;
  while (at != 0) {
    const Seen& place = seen[number_of(queue[at], num_pegs)];
    moves.push_back(place.move);
    at = place.before;
  }
  std::reverse(moves.begin(), moves.end());
  return moves;
}

char peg_name(int peg) {
  return static_cast<char>('A' + peg);
}

std::string move_text(Move move) {
  return std::string() + peg_name(move.from) + "->" + peg_name(move.to);
}

/// Reads moves A->B between which stand line ends, blanks or one comma, and nothing else. \return nothing
/// where the text is not that, names other pegs, or has more than max_moves moves.
std::optional<std::vector<Move>> read_moves(std::string_view text, int num_pegs, int max_moves) {
  text = trim_blanks(text);
  if (text.ends_with('.')) text.remove_suffix(1);
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && std::string_view(" \t\n\r").find(text[at]) != std::string_view::npos) ++at;
  };
  const auto read_peg = [&](int& peg) {
    skip_blanks();
    if (at == text.size()) return false;
    const char c = text[at++];
    peg = c >= 'a' && c <= 'z' ? c - 'a' : c - 'A';
    return peg >= 0 && peg < num_pegs;
  };
  std::vector<Move> moves;
  while (true) {
    Move move;
    if (static_cast<int>(moves.size()) == max_moves || !read_peg(move.from)) return std::nullopt;
    skip_blanks();
    if (text.substr(at, 2) != "->") return std::nullopt;
    at += 2;
    if (!read_peg(move.to)) return std::nullopt;
    moves.push_back(move);
    const std::size_t end = at;
    skip_blanks();
    if (at == text.size()) return moves;
    if (text[at] == ',') {
      ++at;
    } else if (at == end) {
      return std::nullopt;
    }
  }
}

/// One line a peg, its disks from the bottom.
std::string state_text(const State& state, int num_pegs) {
  std::string text;
  for (int peg = 0; peg < num_pegs; ++peg) {
    std::string disks;
    for (std::size_t disk = state.size(); disk-- > 0;) {
      if (state[disk] == peg) disks += " " + std::to_string(disk + 1);
    }
    text += std::string() + peg_name(peg) + ":" + (disks.empty() ? " empty" : disks) + "\n";
  }
  return text;
}

class HanoiTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::hanoi; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridSpec rules(kind(), spec);
    const int num_pegs = rules.integer("pegs", {3, kMaxPegs});
    State state = rules.integers("start", {1, kMaxDisks}, {0, num_pegs - 1});
    const int num_disks = static_cast<int>(state.size());
    const State goal = rules.integers("goal", {num_disks, num_disks}, {0, num_pegs - 1});
    const int max_moves = rules.integer("max_moves", {1, kMaxMoves});
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const auto moves = read_moves(answer, num_pegs, max_moves);
    if (!moves) return Grade::different;
    for (const Move move : *moves) {
      if (!make_move(state, move)) return Grade::different;
    }
    return state == goal ? Grade::equal : Grade::different;
  }

  /// The solution without its last move: every level asks for two moves or more.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return problem.answer.substr(0, problem.answer.rfind('\n'));
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = kLevels.at(static_cast<std::size_t>(level - 1)).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    const auto random_state = [&] {
      State state;
      for (int disk = 0; disk < level.num_disks; ++disk) {
        state.push_back(static_cast<int>(random.below(static_cast<std::uint32_t>(level.num_pegs))));
      }
      return state;
    };
    for (int i = 0; i < kMaxTries; ++i) {
      const State start = random_state();
      const State goal = random_state();
      const std::vector<Move> moves = shortest_way(start, goal, level.num_pegs);
      if (static_cast<int>(moves.size()) >= level.min_moves) return make_draft(level, start, goal, moves);
    }
    throw Error(ExitCode::internal, "hanoi: no problem of level " + std::to_string(level_number) + " in " +
                                        std::to_string(kMaxTries) + " draws");
  }

 private:
  static Draft make_draft(const Level& level, const State& start, const State& goal,
                          const std::vector<Move>& moves) {
    const int max_moves = level.allowed_factor * static_cast<int>(moves.size());
    const std::string last = std::to_string(level.num_disks);
    Draft draft;
    draft.prompt = "Disks 1 (the smallest) to " + last + " (the largest) lie on the pegs A to " +
                   peg_name(level.num_pegs - 1) +
                   ". A move takes the top disk of a peg to another peg, never onto a smaller disk.\n"
                   "Start, each peg from the bottom:\n" +
                   state_text(start, level.num_pegs) + "Goal:\n" + state_text(goal, level.num_pegs) +
                   "Reach the goal in at most " + std::to_string(max_moves) +
                   " moves.\nAnswer with the moves in order, one a line, each in the form A->B.";
    draft.spec =
        nlohmann::json{{"pegs", level.num_pegs}, {"start", start}, {"goal", goal}, {"max_moves", max_moves}}
            .dump();
    State state = start;
    for (const Move move : moves) {
      draft.steps += "Disk " + std::to_string(top(state, move.from) + 1) + " from " + peg_name(move.from) +
                     " to " + peg_name(move.to) + ".\n";
      (void)make_move(state, move);
      draft.answer += (draft.answer.empty() ? "" : "\n") + move_text(move);
    }
    draft.steps += "That is the goal after " + std::to_string(moves.size()) + " moves, of at most " +
                   std::to_string(max_moves) + ".";
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_hanoi_task(std::string name) {
  return std::make_unique<HanoiTask>(std::move(name));
}

}  // namespace reckon
