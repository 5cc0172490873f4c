#include "logic_family.h"

#include <algorithm>
#include <array>

#include "words_task.h"

namespace reckon {
namespace {

/// A way from the first person to the second and the words for the first. U: the next person is a parent of
/// the one before, D: a child, S: a spouse, B: a brother or sister (both parents the same; two hops).
struct Term {
  std::string_view way;
  std::string_view male;
  std::string_view female;
};
// The first person is a mother: the way to her child goes down.
constexpr std::array<Term, 21> kTerms{{{"D", "father", "mother"},
                                       {"U", "son", "daughter"},
                                       {"S", "husband", "wife"},
                                       {"DD", "grandfather", "grandmother"},
                                       {"UU", "grandson", "granddaughter"},
                                       {"B", "brother", "sister"},
                                       {"DS", "father-in-law", "mother-in-law"},
                                       {"SU", "son-in-law", "daughter-in-law"},
                                       {"DDD", "great-grandfather", "great-grandmother"},
                                       {"UUU", "great-grandson", "great-granddaughter"},
                                       {"BD", "uncle", "aunt"},
                                       {"UB", "nephew", "niece"},
                                       {"BS", "brother-in-law", "sister-in-law"},
                                       {"SB", "brother-in-law", "sister-in-law"},
                                       {"DDDD", "great-great-grandfather", "great-great-grandmother"},
                                       {"UUUU", "great-great-grandson", "great-great-granddaughter"},
                                       {"BDD", "great-uncle", "great-aunt"},
                                       {"UUB", "great-nephew", "great-niece"},
                                       {"UBD", "cousin", "cousin"},
                                       {"SBD", "uncle", "aunt"},
                                       {"UBS", "nephew", "niece"}}};

int hops_of(std::string_view way) {
  return static_cast<int>(way.size() + static_cast<std::size_t>(std::count(way.begin(), way.end(), 'B')));
}

bool is_step(const std::vector<FamilyMember>& family, char step, std::size_t from, std::size_t to) {
  const auto has_parent = [&](std::size_t child, std::size_t parent) {
    const auto& parents = family[child].parents;
    return std::find(parents.begin(), parents.end(), parent) != parents.end();
  };
  switch (step) {
    case 'U':
      return has_parent(from, to);
    case 'D':
      return has_parent(to, from);
    case 'S':
      return family[from].spouse == to;
    default:
      return from != to && !family[from].parents.empty() && family[from].parents == family[to].parents;
  }
}

/// Extends `way` by the steps to `goal`, through nobody twice. As deep as there are steps: four at most.
bool find_way(const std::vector<FamilyMember>& family, std::string_view steps, std::size_t goal,
              std::vector<std::size_t>& way) {
  if (steps.empty()) return way.back() == goal;
  for (std::size_t next = 0; next < family.size(); ++next) {
    if (!is_step(family, steps[0], way.back(), next) || std::find(way.begin(), way.end(), next) != way.end())
      continue;
    way.push_back(next);
    if (find_way(family, steps.substr(1), goal, way)) return true;
    way.pop_back();
  }
  return false;
}

}  // namespace

std::optional<Kinship> kinship_of(const std::vector<FamilyMember>& family, std::size_t first,
                                  std::size_t second) {
  for (const Term& term : kTerms) {  // in the order of their hops
    std::vector<std::size_t> way{first};
    if (first == second || !find_way(family, term.way, second, way)) continue;
    return Kinship{std::string(family[first].is_female ? term.female : term.male), hops_of(term.way), way};
  }
  return std::nullopt;
}

std::string kinship_word(std::string_view text) {
  constexpr std::array<std::array<std::string_view, 2>, 21> kSynonyms{{{"mum", "mother"},
                                                                       {"mom", "mother"},
                                                                       {"mama", "mother"},
                                                                       {"dad", "father"},
                                                                       {"papa", "father"},
                                                                       {"grandma", "grandmother"},
                                                                       {"granny", "grandmother"},
                                                                       {"grandmum", "grandmother"},
                                                                       {"grandmom", "grandmother"},
                                                                       {"grandpa", "grandfather"},
                                                                       {"granddad", "grandfather"},
                                                                       {"grandad", "grandfather"},
                                                                       {"greatgrandma", "greatgrandmother"},
                                                                       {"greatgrandpa", "greatgrandfather"},
                                                                       {"auntie", "aunt"},
                                                                       {"aunty", "aunt"},
                                                                       {"granduncle", "greatuncle"},
                                                                       {"grandaunt", "greataunt"},
                                                                       {"grandnephew", "greatnephew"},
                                                                       {"grandniece", "greatniece"},
                                                                       {"firstcousin", "cousin"}}};
  std::string letters;
  for (const char c : words_lower(text)) {
    if (c != ' ' && c != '-') letters += c;
  }
  const auto* const found =
      std::find_if(kSynonyms.begin(), kSynonyms.end(), [&](const auto& s) { return s[0] == letters; });
  return found == kSynonyms.end() ? letters : std::string((*found)[1]);
}

}  // namespace reckon
