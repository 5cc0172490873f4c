#include <algorithm>
#include <array>
#include <numeric>

#include "logic_zebra.h"
#include "reckon/grade/extract.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxHouses = 8;
constexpr std::size_t kMaxAttributes = 8;
constexpr std::size_t kMaxClues = 200;

struct Level {
  std::size_t num_houses;
  std::size_t num_attributes;
};
constexpr std::array<Level, 5> kLevels{{{2, 2}, {3, 3}, {3, 4}, {4, 4}, {5, 5}}};

struct Attribute {
  std::string_view name;
  std::string_view before;  ///< "the person who drinks tea": what stands before the value
  std::array<std::string_view, 8> values;
};
// The first one stands for the person: its values need no words before them. No value is in two attributes.
constexpr std::array<Attribute, 6> kAttributes{
    {{"name", "", {"Alice", "Bruno", "Chloe", "Dario", "Edith", "Felix", "Greta", "Hugo"}},
     {"drink",
      "the person who drinks ",
      {"tea", "coffee", "milk", "water", "cocoa", "juice", "lemonade", "cider"}},
     {"pet",
      "the owner of the ",
      {"cat", "dog", "parrot", "rabbit", "hamster", "turtle", "snake", "goldfish"}},
     {"job",
      "the person who works as a ",
      {"baker", "doctor", "painter", "teacher", "farmer", "pilot", "lawyer", "tailor"}},
     {"colour",
      "the person in the house painted ",
      {"red", "blue", "green", "white", "yellow", "black", "grey", "pink"}},
     {"sport",
      "the person whose sport is ",
      {"tennis", "golf", "rowing", "judo", "chess", "hockey", "fencing", "rugby"}}}};

/// A grid in words: values[v] is value v of ZebraClue.
struct Puzzle {
  std::size_t num_houses = 0;
  std::vector<std::string> names;  ///< of the attributes
  std::vector<std::string> values;
  std::vector<ZebraClue> clues;
};

std::size_t value_number(const LogicSpec& spec, const Puzzle& puzzle, const nlohmann::json& value) {
  const auto found =
      std::find(puzzle.values.begin(), puzzle.values.end(), spec.text_of(value, "a clue's value", 40));
  if (found == puzzle.values.end()) spec.fail("a clue names " + value.dump() + " (need one of the values)");
  return static_cast<std::size_t>(found - puzzle.values.begin());
}

ZebraClue read_clue(const LogicSpec& spec, const Puzzle& puzzle, const nlohmann::json& entry) {
  const auto& parts = spec.list_of(entry, "a clue", 3, 3);
  const std::string& kind = spec.text_of(parts[0], "a clue's kind", 8);
  const auto* const found = std::find(kZebraClueNames.begin(), kZebraClueNames.end(), kind);
  if (found == kZebraClueNames.end())
    spec.fail("a clue is " + entry.dump() + " (need same, next, left or at)");
  ZebraClue clue{static_cast<ZebraClueKind>(found - kZebraClueNames.begin()),
                 value_number(spec, puzzle, parts[1]), 0};
  clue.second = clue.kind == ZebraClueKind::at
                    ? static_cast<std::size_t>(spec.integer_of(
                          parts[2], "a clue's house", 1, static_cast<std::int64_t>(puzzle.num_houses))) -
                          1
                    : value_number(spec, puzzle, parts[2]);
  return clue;
}

Puzzle read_puzzle(const LogicSpec& spec) {
  Puzzle puzzle;
  puzzle.num_houses = static_cast<std::size_t>(spec.integer("houses", 1, kMaxHouses));
  for (const auto& attribute : spec.list("values", 1, kMaxAttributes)) {
    for (const auto& value : spec.list_of(attribute, "an attribute", puzzle.num_houses, puzzle.num_houses)) {
      const std::string& text = spec.text_of(value, "a value", 40);
      if (std::find(puzzle.values.begin(), puzzle.values.end(), text) != puzzle.values.end())
        spec.fail("value " + value.dump() + " stands twice (need it once)");
      puzzle.values.push_back(text);
    }
  }
  for (const auto& entry : spec.list("clues", 0, kMaxClues))
    puzzle.clues.push_back(read_clue(spec, puzzle, entry));
  return puzzle;
}

/// One line a house, "1: Alice, tea" or "House 1: Alice, tea", in any order of houses and values; lines end
/// at line feeds or semicolons. \return the house of each value; nothing where a house or a value is missing
/// or stands twice.
std::optional<std::vector<std::size_t>> read_grid(std::string_view answer, const Puzzle& puzzle) {
  const std::size_t num_attributes = puzzle.values.size() / puzzle.num_houses;
  std::vector<std::size_t> houses(puzzle.values.size(), puzzle.num_houses);
  std::vector<bool> seen(puzzle.num_houses, false);
  if (answer.ends_with('.')) answer.remove_suffix(1);
  for (std::size_t at = 0; at <= answer.size();) {
    const std::size_t end = std::min(answer.find_first_of(";\n", at), answer.size());
    std::string_view line = trim_blanks(answer.substr(at, end - at));
    at = end + 1;
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view label = trim_blanks(line.substr(0, colon));
    if (words_lower(label.substr(0, 6)) == "house ") label = trim_blanks(label.substr(6));
    const auto house = words_digits(label, 2);
    const std::string_view rest = line.substr(colon + 1);
    if (rest.find('.') != std::string_view::npos) return std::nullopt;
    const auto items = words_items(rest, num_attributes);
    if (!house || *house < 1 || *house > static_cast<std::int64_t>(puzzle.num_houses) || !items ||
        items->size() != num_attributes)
      return std::nullopt;
    const auto place = static_cast<std::size_t>(*house) - 1;
    if (seen[place]) return std::nullopt;
    seen[place] = true;
    std::vector<bool> filled(num_attributes, false);
    for (const std::string_view item : *items) {
      const auto found =
          std::find_if(puzzle.values.begin(), puzzle.values.end(),
                       [&](const std::string& value) { return words_lower(value) == words_lower(item); });
      if (found == puzzle.values.end()) return std::nullopt;
      const auto value = static_cast<std::size_t>(found - puzzle.values.begin());
      if (houses[value] != puzzle.num_houses || filled[value / puzzle.num_houses]) return std::nullopt;
      filled[value / puzzle.num_houses] = true;
      houses[value] = place;
    }
  }
  if (std::find(seen.begin(), seen.end(), false) != seen.end()) return std::nullopt;
  return houses;
}

std::string grid_text(const Puzzle& puzzle, const std::vector<std::size_t>& houses) {
  std::string text;
  for (std::size_t house = 0; house < puzzle.num_houses; ++house) {
    text += (house == 0 ? "" : "\n") + std::to_string(house + 1) + ":";
    for (std::size_t v = 0; v < houses.size(); ++v) {
      if (houses[v] == house) text += (v < puzzle.num_houses ? " " : ", ") + puzzle.values[v];
    }
  }
  return text;
}

ZebraClue clue_of_house(const std::vector<std::size_t>& houses, std::size_t value) {
  return {ZebraClueKind::at, value, houses[value]};
}

/// A true clue. Where no pair of values fits in many draws it is one of a house.
ZebraClue random_clue(const std::vector<std::size_t>& houses, std::size_t num_houses, RandomStream& random) {
  // Clues of a house are the plainest and stand once in eight.
  constexpr std::array kKinds{ZebraClueKind::same, ZebraClueKind::same, ZebraClueKind::same,
                              ZebraClueKind::next, ZebraClueKind::next, ZebraClueKind::left,
                              ZebraClueKind::left, ZebraClueKind::at};
  const ZebraClueKind kind = words_pick(kKinds, random);
  const auto value = [&] {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(houses.size())));
  };
  for (int i = 0; i < 500 && kind != ZebraClueKind::at; ++i) {
    const ZebraClue clue{kind, value(), value()};
    const bool is_plain = kind == ZebraClueKind::left || clue.first < clue.second;
    const bool says_something =
        kind != ZebraClueKind::same || clue.first / num_houses != clue.second / num_houses;
    if (is_plain && says_something && clue.holds(houses)) return clue;
  }
  return clue_of_house(houses, value());
}

/// Clues of a solution until no other is left, then without those that are not needed.
std::vector<ZebraClue> minimal_clues(const std::vector<std::size_t>& houses, std::size_t num_houses,
                                     RandomStream& random) {
  const std::size_t num_attributes = houses.size() / num_houses;
  const auto are_enough = [&](const std::vector<ZebraClue>& clues) {
    return count_zebra_solutions(num_houses, num_attributes, clues, 2) == 1;
  };
  std::vector<ZebraClue> clues;
  while (clues.size() < kMaxClues / 2 && !are_enough(clues))
    clues.push_back(random_clue(houses, num_houses, random));
  for (std::size_t v = 0; v < houses.size() && !are_enough(clues); ++v)
    clues.push_back(clue_of_house(houses, v));
  for (std::size_t i = clues.size(); i-- > 0;) {
    std::vector<ZebraClue> fewer = clues;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (are_enough(fewer)) clues = std::move(fewer);
  }
  words_shuffle(clues, random);
  return clues;
}

class ZebraTask final : public WordsTask {
 public:
  explicit ZebraTask(std::string name) : WordsTask(std::move(name), TaskKind::zebra) {}

  /// Two values of the last attribute exchanged: the solution is the only one.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const Puzzle puzzle = read_puzzle(LogicSpec("zebra", problem.spec));
    std::vector<std::size_t> houses = read_grid(problem.answer, puzzle).value();
    std::swap(houses.back(), houses[houses.size() - 2]);
    return grid_text(puzzle, houses);
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Puzzle puzzle = read_puzzle(spec);
    const auto houses = read_grid(answer, puzzle);
    if (!houses) return Grade::different;
    for (const ZebraClue& clue : puzzle.clues) {
      if (!clue.holds(*houses)) return Grade::different;
    }
    return Grade::equal;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    std::vector<std::size_t> kinds(kAttributes.size() - 1);
    std::iota(kinds.begin(), kinds.end(), std::size_t{1});
    words_shuffle(kinds, random);
    kinds.insert(kinds.begin(), 0);
    kinds.resize(l.num_attributes);
    Puzzle puzzle;
    puzzle.num_houses = l.num_houses;
    std::vector<std::string> phrases;
    std::vector<std::size_t> houses;
    nlohmann::json values = nlohmann::json::array();
    for (const std::size_t kind : kinds) {
      std::vector<std::string> chosen = words_sample(kAttributes.at(kind).values, l.num_houses, random);
      std::sort(chosen.begin(), chosen.end());  // their order tells nothing of their houses
      std::vector<std::size_t> places(l.num_houses);
      std::iota(places.begin(), places.end(), std::size_t{0});
      words_shuffle(places, random);
      puzzle.names.emplace_back(kAttributes.at(kind).name);
      for (const std::string& value : chosen)
        phrases.push_back(std::string(kAttributes.at(kind).before) + value);
      values.push_back(chosen);
      puzzle.values.insert(puzzle.values.end(), chosen.begin(), chosen.end());
      houses.insert(houses.end(), places.begin(), places.end());
    }
    puzzle.clues = minimal_clues(houses, l.num_houses, random);
    nlohmann::json clues = nlohmann::json::array();
    for (const ZebraClue& clue : puzzle.clues) {
      clues.push_back({kZebraClueNames.at(static_cast<std::size_t>(clue.kind)), puzzle.values[clue.first]});
      if (clue.kind == ZebraClueKind::at)
        clues.back().push_back(clue.second + 1);
      else
        clues.back().push_back(puzzle.values[clue.second]);
    }
    return {.prompt = prompt_of(puzzle, phrases),
            .spec = nlohmann::json{{"houses", l.num_houses}, {"values", values}, {"clues", clues}}.dump(),
            .answer = grid_text(puzzle, houses),
            .steps = steps_of(puzzle, phrases, houses)};
  }

 private:
  static std::string clue_text(const ZebraClue& clue, const std::vector<std::string>& phrases) {
    const std::string& first = phrases[clue.first];
    switch (clue.kind) {
      case ZebraClueKind::at:
        return first + " lives in house " + std::to_string(clue.second + 1);
      case ZebraClueKind::same:
        return first + " is " + phrases[clue.second];
      case ZebraClueKind::next:
        return first + " lives next to " + phrases[clue.second];
      case ZebraClueKind::left:
        break;
    }
    return first + " lives directly to the left of " + phrases[clue.second];
  }

  static std::string prompt_of(const Puzzle& puzzle, const std::vector<std::string>& phrases) {
    std::string text =
        "There are " + std::to_string(puzzle.num_houses) +
        " houses in a row, numbered from left to right, with one person in each. No two of them share a " +
        words_joined(puzzle.names, ", a ") + ":";
    for (std::size_t a = 0; a < puzzle.names.size(); ++a) {
      const auto begin = puzzle.values.begin() + static_cast<std::ptrdiff_t>(a * puzzle.num_houses);
      text += "\n" + puzzle.names[a] + ": " +
              words_joined({begin, begin + static_cast<std::ptrdiff_t>(puzzle.num_houses)}, ", ");
    }
    text += "\nClues:";
    for (std::size_t i = 0; i < puzzle.clues.size(); ++i) {
      std::string clue = clue_text(puzzle.clues[i], phrases);
      if (clue[0] == 't') clue[0] = 'T';
      text += "\n" + std::to_string(i + 1) + ". " + clue + ".";
    }
    return text + "\nWho lives where? Answer with one line for each house, in the form\n1: " +
           words_joined(puzzle.names, ", ");
  }

  /// A check of the solution: every clue with the houses that it speaks of.
  static std::string steps_of(const Puzzle& puzzle, const std::vector<std::string>& phrases,
                              const std::vector<std::size_t>& houses) {
    std::string text = "Only one arrangement keeps all clues:\n" + grid_text(puzzle, houses) + "\nCheck:";
    for (std::size_t i = 0; i < puzzle.clues.size(); ++i) {
      const ZebraClue& clue = puzzle.clues[i];
      text += "\n" + std::to_string(i + 1) + ". " + clue_text(clue, phrases) + ": house " +
              std::to_string(houses[clue.first] + 1);
      if (clue.kind == ZebraClueKind::at)
        text += ".";
      else
        text += " and house " + std::to_string(houses[clue.second] + 1) + ".";
    }
    return text;
  }
};

}  // namespace

std::unique_ptr<Task> make_zebra_task(std::string name) {
  return std::make_unique<ZebraTask>(std::move(name));
}

}  // namespace reckon
