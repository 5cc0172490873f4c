#include "word_story.h"

#include <algorithm>
#include <optional>

#include "puzzles/words_task.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxValue = 20'000;
constexpr std::int64_t kMaxAge = 120;
/// Draws of the numbers of a piece, of the pieces of a story, and of stories.
constexpr int kMaxNumberDraws = 30;
constexpr int kMaxPieceDraws = 60;
constexpr int kMaxStoryDraws = 1000;

struct Person {
  std::string_view name;
  bool is_female;
};
constexpr std::array<Person, 24> kPeople{
    {{"Aisha", true},  {"Ben", false},    {"Clara", true}, {"Daniel", false}, {"Elena", true},
     {"Farid", false}, {"Grace", true},   {"Hiro", false}, {"Ines", true},    {"Jamal", false},
     {"Keiko", true},  {"Liam", false},   {"Maya", true},  {"Noah", false},   {"Olga", true},
     {"Pedro", false}, {"Quinn", true},   {"Ravi", false}, {"Sofia", true},   {"Tariq", false},
     {"Uma", true},    {"Viktor", false}, {"Wanda", true}, {"Yusuf", false}}};
constexpr std::array<std::string_view, 20> kItems{"apples",   "marbles", "stickers", "pencils", "cookies",
                                                  "stamps",   "buttons", "shells",   "candles", "postcards",
                                                  "oranges",  "beads",   "muffins",  "tulips",  "notebooks",
                                                  "balloons", "walnuts", "badges",   "lemons",  "crayons"};

/// A calculation as it goes into the program: operands that are results have their number, from 1.
struct Operand {
  std::int64_t value = 0;
  std::size_t result = 0;
};

/// Everything of a story so far; a piece is tried on a copy.
struct State {
  std::vector<Person> people;  ///< not in the story yet, the last one next
  Person hero{};
  std::string_view subject;  ///< of ages: whose was told last
  std::string_view items;
  Operand number;
  WordStory story;
};

/// {a/}, {a%}, {a*}, or {a}; nothing where the number has no such form.
std::optional<std::string> number_text(std::int64_t value, std::string_view form) {
  constexpr std::array<std::string_view, 5> kParts{"half", "a third", "a quarter", "a fifth", "a sixth"};
  if (form.empty()) return std::to_string(value);
  if (form == "*") return value == 2 ? "twice" : std::to_string(value) + " times";
  if (form == "%") return 100 % value == 0 ? std::optional(std::to_string(100 / value)) : std::nullopt;
  if (value < 2 || value > 6) return std::nullopt;
  return std::string(kParts.at(static_cast<std::size_t>(value - 2)));
}

/// One piece being added to a state.
class Telling {
 public:
  Telling(const WordPiece& piece, State& state, RandomStream& random) : piece_(piece), state_(state) {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const WordRange& range = piece.numbers.at(i);
      numbers_.at(i) =
          words_within(random, range.low, range.high) + (range.above_state ? state.number.value : 0);
    }
    other_ = state.people.back();
    state.people.pop_back();
  }

  /// \return whether all numbers have their forms and all results are whole, positive and not too large.
  bool run() {
    const Operand before = state_.number;
    const auto text = filled(piece_.text, "");
    if (!text) return false;
    state_.story.text += (state_.story.text.empty() ? "" : " ") + *text;
    std::vector<Operand> results;
    for (const WordStep& step : piece_.steps) {
      if (step.calculation.empty()) continue;
      const Operand left = operand(step.calculation[0], before, results);
      const Operand right = operand(step.calculation[2], before, results);
      const auto value = apply(step.calculation[1], left.value, right.value);
      if (!value) return false;
      state_.story.program.push_back({std::string(1, step.calculation[1]), written(left), written(right)});
      results.push_back({*value, state_.story.program.size()});
      const std::string equation = std::to_string(left.value) + " " + step.calculation[1] + " " +
                                   std::to_string(right.value) + " = " + std::to_string(*value);
      const auto sentence = filled(step.sentence, equation);
      if (!sentence) return false;
      state_.story.steps += (state_.story.steps.empty() ? "" : "\n") + *sentence;
      state_.number = results.back();
    }
    if (piece_.text.find("{Q}") != std::string_view::npos) state_.subject = other_.name;
    return true;
  }

 private:
  [[nodiscard]] Operand operand(char name, const Operand& before, const std::vector<Operand>& results) const {
    if (name == 'x') return before;
    if (name >= '1' && name <= '9') return results.at(static_cast<std::size_t>(name - '1'));
    return {numbers_.at(static_cast<std::size_t>(name - 'a')), 0};
  }
  static nlohmann::json written(const Operand& operand) {
    if (operand.result == 0) return operand.value;
    return "#" + std::to_string(operand.result);
  }
  [[nodiscard]] std::optional<std::int64_t> apply(char operation, std::int64_t left,
                                                  std::int64_t right) const {
    if (operation == '/' && (right == 0 || left % right != 0)) return std::nullopt;
    const std::int64_t value = operation == '+'   ? left + right
                               : operation == '-' ? left - right
                               : operation == '*' ? left * right
                                                  : left / right;
    const std::int64_t most = piece_.domain == WordDomain::age ? kMaxAge : kMaxValue;
    // Sentences speak of things in the plural.
    return value >= 2 && value <= most ? std::optional(value) : std::nullopt;
  }

  /// A text with its {placeholders} filled in.
  [[nodiscard]] std::optional<std::string> filled(std::string_view pattern,
                                                  const std::string& equation) const {
    std::string text;
    for (std::size_t at = 0; at < pattern.size();) {
      if (pattern[at] != '{') {
        text += pattern[at++];
        continue;
      }
      const std::size_t end = pattern.find('}', at);
      const auto word = placeholder(pattern.substr(at + 1, end - at - 1), equation);
      if (!word) return std::nullopt;
      text += *word;
      at = end + 1;
    }
    return text;
  }
  [[nodiscard]] std::optional<std::string> placeholder(std::string_view name,
                                                       const std::string& equation) const {
    const bool is_female = state_.hero.is_female;
    if (name == "=") return equation;
    if (name == "N") return std::string(state_.hero.name);
    if (name == "He") return is_female ? "She" : "He";
    if (name == "he") return is_female ? "she" : "he";
    if (name == "his") return is_female ? "her" : "his";
    if (name == "him") return is_female ? "her" : "him";
    if (name == "F" || name == "Q") return std::string(other_.name);
    if (name == "P") return std::string(state_.subject);
    if (name == "items") return std::string(state_.items);
    return number_text(numbers_.at(static_cast<std::size_t>(name[0] - 'a')), name.substr(1));
  }

  const WordPiece& piece_;
  State& state_;
  std::array<std::int64_t, 4> numbers_{};
  Person other_{};
};

/// The pieces of a domain and role with at least `low` and at most `high` calculations.
std::vector<const WordPiece*> pieces_of(WordDomain domain, WordRole role, std::size_t low, std::size_t high) {
  std::vector<const WordPiece*> pieces;
  for (const auto& list : {word_pieces_owned(), word_pieces_places()}) {
    for (const WordPiece& piece : list) {
      if (piece.domain == domain && piece.role == role && piece.num_steps() >= low &&
          piece.num_steps() <= high)
        pieces.push_back(&piece);
    }
  }
  return pieces;
}

/// Adds a piece with some numbers that fit, if there are any among those drawn.
bool tell(const WordPiece& piece, State& state, RandomStream& random) {
  for (int i = 0; i < kMaxNumberDraws; ++i) {
    State next = state;
    if (!Telling(piece, next, random).run()) continue;
    state = std::move(next);
    return true;
  }
  return false;
}

/// Adds one of the pieces, not the one that stands before.
const WordPiece* tell_one(const std::vector<const WordPiece*>& pieces, const WordPiece* before, State& state,
                          RandomStream& random) {
  for (int i = 0; i < kMaxPieceDraws && !pieces.empty(); ++i) {
    const WordPiece* const piece = words_pick(pieces, random);
    if (piece != before && tell(*piece, state, random)) return piece;
  }
  return nullptr;
}

std::optional<WordStory> try_story(std::size_t num_steps, RandomStream& random) {
  const auto domain = static_cast<WordDomain>(random.below(kNumWordDomains));
  State state;
  state.people.assign(kPeople.begin(), kPeople.end());
  words_shuffle(state.people, random);
  state.hero = state.people.back();
  state.subject = state.hero.name;
  state.people.pop_back();
  state.items = words_pick(kItems, random);
  state.story.program = nlohmann::json::array();
  const auto num_told = [&] { return state.story.program.size(); };
  // The closing is drawn first, so that short ones are not the rule in long stories.
  const auto closings = pieces_of(domain, WordRole::closing, 0, std::min<std::size_t>(2, num_steps - 1));
  const WordPiece& closing = *words_pick(closings, random);
  const std::size_t before_closing = num_steps - closing.num_steps();
  const WordPiece* last =
      tell_one(pieces_of(domain, WordRole::opening, 1, before_closing), nullptr, state, random);
  while (last != nullptr && num_told() < before_closing)
    last = tell_one(pieces_of(domain, WordRole::move, 1, before_closing - num_told()), last, state, random);
  if (last == nullptr || !tell(closing, state, random)) return std::nullopt;
  state.story.answer = state.number.value;
  return std::move(state.story);
}

}  // namespace

WordStory random_word_story(std::size_t num_steps, RandomStream& random) {
  for (int i = 0; i < kMaxStoryDraws; ++i) {
    if (auto story = try_story(num_steps, random)) return std::move(*story);
  }
  throw Error(ExitCode::internal, "word_problem: no story of " + std::to_string(num_steps) + " steps in " +
                                      std::to_string(kMaxStoryDraws) + " draws");
}

}  // namespace reckon
