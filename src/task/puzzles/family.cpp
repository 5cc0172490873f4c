#include <algorithm>
#include <array>
#include <map>

#include "logic_family.h"
#include "reckon/base/error.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxPeople = 64;
constexpr std::size_t kMaxQuestions = 16;
constexpr int kMaxDraws = 10'000;

struct Level {
  std::size_t num_people;
  int min_hops;
  int max_hops;
  std::size_t num_questions;
  std::size_t min_words;  ///< that the questions are chosen from
};
constexpr std::array<Level, 5> kLevels{
    {{4, 1, 2, 2, 4}, {6, 2, 3, 2, 4}, {8, 3, 3, 3, 5}, {10, 3, 4, 3, 5}, {12, 4, 4, 4, 5}}};

constexpr std::array<std::string_view, 24> kWomen{"Alice", "Bella",  "Clara", "Diana", "Emma",   "Fiona",
                                                  "Grace", "Hanna",  "Irene", "Julia", "Karen",  "Laura",
                                                  "Maria", "Nora",   "Olga",  "Paula", "Rosa",   "Sara",
                                                  "Tina",  "Ursula", "Vera",  "Wilma", "Yvonne", "Zoe"};
constexpr std::array<std::string_view, 24> kMen{"Adam",  "Boris",  "Carl",   "David",  "Eric",  "Frank",
                                                "Georg", "Henry",  "Ivan",   "Jack",   "Kevin", "Louis",
                                                "Mark",  "Nick",   "Oscar",  "Peter",  "Ralph", "Simon",
                                                "Tom",   "Ulrich", "Victor", "Walter", "Xaver", "Zeno"};

using Family = std::vector<FamilyMember>;
using Question = std::pair<std::size_t, std::size_t>;  ///< what is the first to the second

struct Puzzle {
  Family family;
  std::vector<Question> questions;
};

std::size_t person(const LogicSpec& spec, const Family& family, const nlohmann::json& value) {
  const std::string& name = spec.text_of(value, "a name", 40);
  const auto found =
      std::find_if(family.begin(), family.end(), [&](const FamilyMember& m) { return m.name == name; });
  if (found == family.end()) spec.fail(value.dump() + " is none of the people");
  return static_cast<std::size_t>(found - family.begin());
}

Puzzle read_puzzle(const LogicSpec& spec) {
  Puzzle puzzle;
  Family& family = puzzle.family;
  for (const auto& entry : spec.list("people", 2, kMaxPeople)) {
    const auto& parts = spec.list_of(entry, "a person", 2, 2);
    const std::string& name = spec.text_of(parts[0], "a name", 40);
    const std::string& sex = spec.text_of(parts[1], "a sex", 1);
    if (sex != "m" && sex != "f")
      spec.fail("the sex of " + in_quotes(name) + " is " + parts[1].dump() + " (need m or f)");
    if (std::any_of(family.begin(), family.end(), [&](const FamilyMember& m) { return m.name == name; }))
      spec.fail(in_quotes(name) + " stands twice among the people (need it once)");
    family.push_back({name, sex == "f", std::nullopt, {}});
  }
  for (const auto& entry : spec.list("couples", 0, kMaxPeople)) {
    const auto& parts = spec.list_of(entry, "a couple", 2, 2);
    const std::array<std::size_t, 2> couple{person(spec, family, parts[0]), person(spec, family, parts[1])};
    if (couple[0] == couple[1] || family[couple[0]].spouse || family[couple[1]].spouse)
      spec.fail("couple " + entry.dump() + " (need two people, each in one couple)");
    family[couple[0]].spouse = couple[1];
    family[couple[1]].spouse = couple[0];
  }
  for (const auto& entry : spec.list("children", 0, kMaxPeople)) {
    const auto& parts = spec.list_of(entry, "a child with its parents", 3, 3);
    const std::size_t child = person(spec, family, parts[0]);
    std::vector<std::size_t> parents{person(spec, family, parts[1]), person(spec, family, parts[2])};
    if (family[parents[0]].spouse != parents[1] || !family[child].parents.empty() ||
        std::find(parents.begin(), parents.end(), child) != parents.end())
      spec.fail("child " + entry.dump() + " (need a child once, and a couple)");
    std::sort(parents.begin(), parents.end());
    family[child].parents = std::move(parents);
  }
  for (const auto& entry : spec.list("questions", 1, kMaxQuestions)) {
    const auto& parts = spec.list_of(entry, "a question", 2, 2);
    puzzle.questions.emplace_back(person(spec, family, parts[0]), person(spec, family, parts[1]));
  }
  return puzzle;
}

/// A couple, then children of couples and spouses of children, one person at a time. Nobody marries a
/// relative, so two people are related in one way at most.
Family random_family(std::size_t num_people, RandomStream& random) {
  std::vector<std::string> women = words_sample(kWomen, kWomen.size(), random);
  std::vector<std::string> men = words_sample(kMen, kMen.size(), random);
  Family family;
  const auto add = [&](bool is_female) {
    std::vector<std::string>& names = is_female ? women : men;
    family.push_back({names.back(), is_female, std::nullopt, {}});
    names.pop_back();
    return family.size() - 1;
  };
  const auto marry = [&](std::size_t a, std::size_t b) {
    family[a].spouse = b;
    family[b].spouse = a;
  };
  const std::size_t mother = add(true);
  marry(mother, add(false));
  while (family.size() < num_people) {
    const std::size_t one = random.below(static_cast<std::uint32_t>(family.size()));
    if (family[one].spouse) {
      const std::size_t child = add(random.below(2) == 0);
      family[child].parents = {std::min(one, *family[one].spouse), std::max(one, *family[one].spouse)};
    } else {
      marry(one, add(!family[one].is_female));
    }
  }
  return family;
}

/// Questions of the level's hops with different words, every word equally likely: else "brother" and "sister"
/// would be good guesses. Empty where there are too few words to choose from.
std::vector<Question> random_questions(const Family& family, const Level& level, RandomStream& random) {
  std::map<std::string, std::vector<Question>> pairs;
  for (std::size_t i = 0; i < family.size(); ++i) {
    for (std::size_t j = 0; j < family.size(); ++j) {
      const auto kinship = kinship_of(family, i, j);
      if (kinship && kinship->hops >= level.min_hops && kinship->hops <= level.max_hops)
        pairs[kinship->word].emplace_back(i, j);
    }
  }
  if (pairs.size() < level.min_words) return {};
  std::vector<std::string> words;
  for (const auto& [word, unused] : pairs) words.push_back(word);
  words_shuffle(words, random);
  words.resize(level.num_questions);
  std::vector<Question> questions;
  for (const std::string& word : words) questions.push_back(words_pick(pairs.at(word), random));
  return questions;
}

Puzzle random_puzzle(const Level& level, RandomStream& random) {
  for (int i = 0; i < kMaxDraws; ++i) {
    Puzzle puzzle;
    puzzle.family = random_family(level.num_people, random);
    puzzle.questions = random_questions(puzzle.family, level, random);
    if (!puzzle.questions.empty()) return puzzle;
  }
  throw Error(ExitCode::internal, "family: no questions in " + std::to_string(kMaxDraws) + " families of " +
                                      std::to_string(level.num_people));
}

std::string spec_of(const Puzzle& puzzle) {
  nlohmann::json people = nlohmann::json::array();
  nlohmann::json couples = nlohmann::json::array();
  nlohmann::json children = nlohmann::json::array();
  nlohmann::json questions = nlohmann::json::array();
  const Family& family = puzzle.family;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const FamilyMember& one = family[i];
    people.push_back({one.name, one.is_female ? "f" : "m"});
    if (one.spouse && *one.spouse > i) couples.push_back({one.name, family[*one.spouse].name});
    if (!one.parents.empty())
      children.push_back({one.name, family[one.parents[0]].name, family[one.parents[1]].name});
  }
  for (const auto& [first, second] : puzzle.questions)
    questions.push_back({family[first].name, family[second].name});
  return nlohmann::json{
      {"people", people}, {"couples", couples}, {"children", children}, {"questions", questions}}
      .dump();
}

/// "Carl is the son of Anna and Ben." and "Ben is the husband of Anna.": they tell everybody's sex.
std::vector<std::string> facts_of(const Family& family, RandomStream& random) {
  std::vector<std::string> facts;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const FamilyMember& one = family[i];
    if (!one.parents.empty()) {
      facts.push_back(one.name + " is the " + (one.is_female ? "daughter" : "son") + " of " +
                      family[one.parents[0]].name + " and " + family[one.parents[1]].name + ".");
    }
    if (one.spouse && *one.spouse > i) {
      const bool turn = random.below(2) == 0;
      const FamilyMember& subject = turn ? family[*one.spouse] : one;
      facts.push_back(subject.name + " is the " + (subject.is_female ? "wife" : "husband") + " of " +
                      (turn ? one : family[*one.spouse]).name + ".");
    }
  }
  words_shuffle(facts, random);
  return facts;
}

/// "Anna is the mother of Ben, who is the father of Carl: Anna is the grandmother of Carl."
std::string steps_of(const Family& family, const Question& question) {
  const Kinship kinship = *kinship_of(family, question.first, question.second);
  const std::string result =
      family[question.first].name + " is the " + kinship.word + " of " + family[question.second].name + ".";
  if (kinship.way.size() == 2) {
    const auto& parents = family[question.first].parents;
    if (kinship.hops == 1) return result;
    return family[parents[0]].name + " and " + family[parents[1]].name +
           " are the parents of both: " + result;
  }
  std::string text;
  for (std::size_t i = 0; i + 1 < kinship.way.size(); ++i) {
    const Kinship step = *kinship_of(family, kinship.way[i], kinship.way[i + 1]);
    text += (i == 0 ? family[kinship.way[0]].name + " is the " : ", who is the ") + step.word + " of " +
            family[kinship.way[i + 1]].name;
  }
  return text + ": " + result;
}

class FamilyTask final : public WordsTask {
 public:
  explicit FamilyTask(std::string name) : WordsTask(std::move(name), TaskKind::family) {}

  /// The first word by one of another relation.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const std::size_t comma = problem.answer.find(',');
    const std::string first = problem.answer.substr(0, comma);
    return (first == "cousin" ? "niece" : "cousin") + problem.answer.substr(first.size());
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Puzzle puzzle = read_puzzle(spec);
    std::vector<std::string> right;
    for (const auto& [first, second] : puzzle.questions) {
      const auto kinship = kinship_of(puzzle.family, first, second);
      if (!kinship)
        spec.fail("there is no word for " + in_quotes(puzzle.family[first].name) + " to " +
                  in_quotes(puzzle.family[second].name));
      right.push_back(kinship_word(kinship->word));
    }
    const auto items = words_items(answer, right.size());
    if (!items || items->size() != right.size()) return Grade::different;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (kinship_word((*items)[i]) != right[i]) return Grade::different;
    }
    return Grade::equal;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const Puzzle puzzle = random_puzzle(l, random);
    const Family& family = puzzle.family;
    std::vector<std::string> answers;
    std::vector<std::string> form{"nephew", "great-aunt", "brother", "wife"};
    form.resize(l.num_questions);
    Draft draft;
    draft.prompt = words_joined(facts_of(family, random), "\n");
    for (std::size_t i = 0; i < puzzle.questions.size(); ++i) {
      const auto& [first, second] = puzzle.questions[i];
      draft.prompt += "\n" + std::to_string(i + 1) + ". What is " + family[first].name + " to " +
                      family[second].name + "?";
      draft.steps +=
          (i == 0 ? "" : "\n") + std::to_string(i + 1) + ". " + steps_of(family, puzzle.questions[i]);
      answers.push_back(kinship_of(family, first, second)->word);
    }
    if (form == answers) form = {"husband", "sister", "uncle", "aunt"};
    draft.prompt +=
        "\nAnswer each with the word for the relation alone, in this order and separated by commas, in a "
        "form like " +
        words_joined(form, ", ") + ".";
    draft.answer = words_joined(answers, ", ");
    draft.spec = spec_of(puzzle);
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_family_task(std::string name) {
  return std::make_unique<FamilyTask>(std::move(name));
}

}  // namespace reckon
