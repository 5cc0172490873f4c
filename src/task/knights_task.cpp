#include <algorithm>
#include <bit>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "reckon/task/knights.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

/// What can be said at one level, and in which worlds each speaker can have said it.
struct LevelStatements {
  std::size_t num_people = 0;
  std::vector<std::string> texts;
  /// [person][statement]: bit w is set where world w is consistent with that person saying that.
  std::vector<std::vector<std::uint32_t>> worlds;
  std::uint64_t num_problems = 0;  ///< with exactly one consistent world
};

char name_of(std::size_t person) {
  return static_cast<char>('A' + person);
}

/// X op Y of two different people in one way only: the earlier name first, and for = a ~ at the first name
/// alone.
std::vector<std::string> pair_statements(std::size_t first, std::size_t second) {
  std::vector<std::string> texts;
  for (const std::string left : {"", "~"}) {
    for (const char operation : {'&', '|', '='}) {
      for (const std::string right : {"", "~"}) {
        if (operation == '=' && !right.empty()) continue;
        texts.push_back(left + name_of(first) + operation + right + name_of(second));
      }
    }
  }
  return texts;
}

/// Plain statements: X, ~X and X op Y. Compound ones: (X op Y) op Z, three different people.
std::vector<std::string> statement_texts(std::size_t num_people, bool compound) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < num_people && !compound; ++i) {
    texts.push_back({name_of(i)});
    texts.push_back({'~', name_of(i)});
  }
  for (std::size_t i = 0; i < num_people; ++i) {
    for (std::size_t j = i + 1; j < num_people; ++j) {
      for (const std::string& pair : pair_statements(i, j)) {
        if (!compound) {
          texts.push_back(pair);
          continue;
        }
        for (std::size_t k = 0; k < num_people; ++k) {
          if (k == i || k == j) continue;
          for (const char* operation : {"&", "|", "=", "&~", "|~", "=~"}) {
            texts.push_back("(" + pair + ")" + operation + name_of(k));
          }
        }
      }
    }
  }
  return texts;
}

/// Counts the choices of one statement a person that leave exactly one world. The sets of worlds are
/// intersected, and intersections are counted by sums over supersets: the count over all choices is the
/// product of the people's counts.
std::uint64_t count_unique(const LevelStatements& level) {
  const std::size_t num_worlds = std::size_t{1} << level.num_people;
  const std::size_t num_sets = std::size_t{1} << num_worlds;
  std::vector<std::int64_t> product(num_sets, 1);
  for (const auto& sets : level.worlds) {
    std::vector<std::int64_t> supersets(num_sets, 0);
    for (const std::uint32_t set : sets) ++supersets[set];
    for (std::size_t bit = 1; bit < num_sets; bit *= 2) {
      for (std::size_t set = 0; set < num_sets; ++set) {
        if ((set & bit) == 0) supersets[set] += supersets[set | bit];
      }
    }
    for (std::size_t set = 0; set < num_sets; ++set) product[set] *= supersets[set];
  }
  for (std::size_t bit = 1; bit < num_sets; bit *= 2) {
    for (std::size_t set = 0; set < num_sets; ++set) {
      if ((set & bit) == 0) product[set] -= product[set | bit];
    }
  }
  std::int64_t count = 0;
  for (std::size_t world = 0; world < num_worlds; ++world) count += product[std::size_t{1} << world];
  return static_cast<std::uint64_t>(count);
}

LevelStatements make_level(std::size_t num_people, bool compound) {
  LevelStatements level;
  level.num_people = num_people;
  level.texts = statement_texts(num_people, compound);
  level.worlds.resize(num_people);
  for (const std::string& text : level.texts) {
    const KnightsPuzzle said_by_all(std::vector<std::string>(num_people, text), "knights");
    for (std::size_t person = 0; person < num_people; ++person) {
      std::uint32_t set = 0;
      for (unsigned world = 0; world < (1u << num_people); ++world) {
        const bool is_knight = ((world >> (num_people - 1 - person)) & 1u) != 0;
        if (said_by_all.statement_is_true(person, world) == is_knight) set |= 1u << world;
      }
      level.worlds[person].push_back(set);
    }
  }
  level.num_problems = count_unique(level);
  return level;
}

std::vector<std::string> read_statements(std::string_view spec) {
  constexpr std::string_view kWhere = "knights: spec";
  const nlohmann::json rules = parse_json(spec, kWhere);
  std::vector<std::string> statements;
  if (rules.is_object() && rules.contains("statements") && rules["statements"].is_array()) {
    for (const auto& statement : rules["statements"]) {
      if (!statement.is_string()) throw Error(ExitCode::bad_data, "knights: spec: a statement is no string");
      statements.push_back(statement.get<std::string>());
    }
    return statements;
  }
  throw Error(ExitCode::bad_data, "knights: spec: no \"statements\" (need an array of that name)");
}

class KnightsTask final : public GeneratedTask {
 public:
  explicit KnightsTask(std::string name)
      : GeneratedTask(std::move(name)),
        levels_{make_level(2, false), make_level(3, false), make_level(3, true), make_level(4, false),
                make_level(4, true)} {}

  [[nodiscard]] TaskKind kind() const override { return TaskKind::knights; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return "01ABCD:;~&|=()?xv"; }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const KnightsPuzzle puzzle(read_statements(spec), "knights: spec");
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    unsigned world = 0;
    if (!parse_knights_answer(answer, puzzle.num_people(), world)) return Grade::different;
    return puzzle.is_consistent(world) ? Grade::equal : Grade::different;
  }

  /// Another world; the solution is the only consistent one.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    answer[0] = answer[0] == '0' ? '1' : '0';
    return answer;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return statements_of(level).num_problems;
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const LevelStatements& level = statements_of(level_number);
    std::vector<std::size_t> said(level.num_people);
    std::uint32_t worlds = 0;
    do {
      worlds = ~0u;
      for (std::size_t person = 0; person < level.num_people; ++person) {
        said[person] = random.below(static_cast<std::uint32_t>(level.texts.size()));
        worlds &= level.worlds[person][said[person]];
      }
    } while (std::popcount(worlds) != 1);
    std::string prompt;
    for (std::size_t person = 0; person < level.num_people; ++person) {
      prompt += person == 0 ? "" : ";";
      prompt += name_of(person);
      prompt += ':' + level.texts[said[person]];
    }
    return {.prompt = prompt + '?', .spec = {}, .answer = {}, .steps = {}};
  }

  void complete(Draft& draft) const override {
    std::vector<std::string> statements;
    const std::string_view text(draft.prompt.data(), draft.prompt.size() - 1);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(';', at), text.size());
      statements.emplace_back(text.substr(at + 2, end - at - 2));  // after "A:"
      at = end + 1;
    }
    const KnightsPuzzle puzzle(statements, "knights");
    const auto solutions = puzzle.solutions();
    if (solutions.size() != 1) {
      throw Error(ExitCode::internal, "knights: " + draft.prompt + " has " +
                                          std::to_string(solutions.size()) + " solutions (need 1)");
    }
    draft.spec = nlohmann::json{{"statements", statements}}.dump();
    draft.answer = puzzle.bits(solutions[0]);
    draft.steps = puzzle.steps();
  }

 private:
  [[nodiscard]] const LevelStatements& statements_of(std::int64_t level) const {
    return levels_.at(static_cast<std::size_t>(level - 1));
  }

  std::vector<LevelStatements> levels_;
};

}  // namespace

std::unique_ptr<Task> make_knights_task(std::string name) {
  return std::make_unique<KnightsTask>(std::move(name));
}

}  // namespace reckon
