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
  int num_courses = 0;
  int num_rules = 0;           ///< pairs of which one must come before the other
  std::uint64_t distinct = 0;  ///< by exhaustion; 0: far too many to count
};
/// Level 1: five of the six pairs, each either way round.
constexpr std::array kLevels = {Level{4, 5, 192}, Level{6, 9, 0}, Level{8, 14, 0}, Level{12, 24, 0},
                                Level{20, 44, 0}};
constexpr std::size_t kMaxCourses = 26;
constexpr int kMaxRules = 700;

/// The first must come before the second. Courses are numbered from 0 and called A, B, C, ...
using Rule = std::array<int, 2>;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

std::string course_name(int course) {
  return {static_cast<char>('A' + course)};
}

std::string list_text(const std::vector<int>& courses) {
  std::string text;
  for (const int course : courses) text += (text.empty() ? "" : ", ") + course_name(course);
  return text;
}

/// What an answer claims: an order of courses, or a cycle of them.
struct Claim {
  bool is_cycle = false;
  std::vector<int> courses;
};

/// Reads A, B, C or cycle: A, B, C; between courses stand blanks, line ends or one comma. A cycle may end
/// with its first course again. \return nothing where the text is not that.
std::optional<Claim> read_claim(std::string_view answer) {
  SearchCursor cursor(answer);
  Claim claim;
  claim.is_cycle = cursor.take("CYCLE:");
  do {
    const char course = cursor.next();
    if (course < 'A' || course > 'Z' || claim.courses.size() > kMaxCourses) return std::nullopt;
    claim.courses.push_back(course - 'A');
  } while (cursor.take_separator());
  if (!cursor.at_end()) return std::nullopt;
  if (claim.is_cycle && claim.courses.size() > 1 && claim.courses.front() == claim.courses.back()) {
    claim.courses.pop_back();
  }
  return claim;
}

/// Whether each of the courses stands in the list no more than once, and all of them are there.
bool are_different(const std::vector<int>& courses, int num_courses) {
  std::vector<bool> seen(at(num_courses));
  for (const int course : courses) {
    if (course >= num_courses || seen[at(course)]) return false;
    seen[at(course)] = true;
  }
  return true;
}

bool is_order(const std::vector<int>& courses, int num_courses, const std::vector<Rule>& rules) {
  if (static_cast<int>(courses.size()) != num_courses || !are_different(courses, num_courses)) return false;
  std::vector<std::size_t> place(courses.size());
  for (std::size_t i = 0; i < courses.size(); ++i) place[at(courses[i])] = i;
  return std::all_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return place[at(rule[0])] < place[at(rule[1])]; });
}

bool is_cycle(const std::vector<int>& courses, int num_courses, const std::vector<Rule>& rules) {
  if (!are_different(courses, num_courses)) return false;
  for (std::size_t i = 0; i < courses.size(); ++i) {
    const Rule needed = {courses[i], courses[(i + 1) % courses.size()]};
    if (std::find(rules.begin(), rules.end(), needed) == rules.end()) return false;
  }
  return true;
}

/// Random pairs in the direction of a random order; where there is to be a cycle, that comes first.
std::vector<Rule> random_rules(const Level& level, bool cyclic, RandomStream& random) {
  const std::vector<int> order = random_order(level.num_courses, random);  // [course] its place
  std::vector<Rule> rules;
  const auto has_pair = [&](int a, int b) {
    return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
      return (rule[0] == a && rule[1] == b) || (rule[0] == b && rule[1] == a);
    });
  };
  if (cyclic) {
    const std::vector<int> courses = random_order(level.num_courses, random);
    const int length =
        3 + static_cast<int>(random.below(static_cast<std::uint32_t>(std::min(level.num_courses, 6) - 2)));
    for (int i = 0; i < length; ++i) rules.push_back({courses[at(i)], courses[at((i + 1) % length)]});
  }
  const int num_pairs = level.num_courses * level.num_courses;
  for (const int pair : random_order(num_pairs, random)) {
    if (static_cast<int>(rules.size()) == level.num_rules) break;
    const int a = pair / level.num_courses;
    const int b = pair % level.num_courses;
    if (order[at(a)] < order[at(b)] && !has_pair(a, b)) rules.push_back({a, b});
  }
  std::sort(rules.begin(), rules.end());
  return rules;
}

/// Takes courses one by one, the first by name of those whose predecessors are all taken, up to the last or
/// to where none can be taken.
std::vector<int> take_courses(int num_courses, const std::vector<Rule>& rules, std::string& steps) {
  std::vector<int> taken;
  std::vector<bool> is_taken(at(num_courses));
  for (bool found = true; found;) {
    found = false;
    for (int course = 0; course < num_courses && !found; ++course) {
      std::vector<int> before;
      for (const Rule& rule : rules) {
        if (rule[1] == course) before.push_back(rule[0]);
      }
      found = !is_taken[at(course)] &&
              std::all_of(before.begin(), before.end(), [&](int other) { return is_taken[at(other)]; });
      if (!found) continue;
      is_taken[at(course)] = true;
      taken.push_back(course);
      steps += "Take " + course_name(course) + (before.empty() ? "" : ", after " + list_text(before)) + ".\n";
    }
  }
  return taken;
}

/// A cycle among the courses that are not taken: each of them must come after another of them.
std::vector<int> find_cycle(int num_courses, const std::vector<Rule>& rules, const std::vector<int>& taken) {
  const auto is_left = [&](int course) {
    return std::find(taken.begin(), taken.end(), course) == taken.end();
  };
  int course = 0;
  while (course < num_courses && !is_left(course)) ++course;
  std::vector<int> way;
  while (std::find(way.begin(), way.end(), course) == way.end()) {
    way.push_back(course);
    course = (*std::find_if(rules.begin(), rules.end(),
                            [&](const Rule& rule) { return rule[1] == course && is_left(rule[0]); }))[0];
  }
  way.erase(way.begin(), std::find(way.begin(), way.end(), course));
  std::reverse(way.begin(), way.end());
  return way;
}

class PrerequisitesTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::prerequisites; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    int num_courses = 0;
    const std::vector<Rule> rules = read_rules(spec, num_courses);
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const auto claim = read_claim(answer);
    if (!claim) return Grade::different;
    const bool right = claim->is_cycle ? is_cycle(claim->courses, num_courses, rules)
                                       : is_order(claim->courses, num_courses, rules);
    return right ? Grade::equal : Grade::different;
  }

  /// Where there is an order, the solution with the two courses of the first rule changed over; else any
  /// order.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    int num_courses = 0;
    const std::vector<Rule> rules = read_rules(problem.spec, num_courses);
    std::vector<int> courses = read_claim(problem.answer)->courses;
    if (problem.answer.starts_with("cycle")) {
      courses.clear();
      for (int course = 0; course < num_courses; ++course) courses.push_back(course);
    } else {
      std::iter_swap(std::find(courses.begin(), courses.end(), rules[0][0]),
                     std::find(courses.begin(), courses.end(), rules[0][1]));
    }
    return list_text(courses);
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = kLevels.at(static_cast<std::size_t>(level - 1)).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    const bool cyclic = random.below(2) == 0;
    return make_draft(level.num_courses, random_rules(level, cyclic, random));
  }

 private:
  [[nodiscard]] std::vector<Rule> read_rules(std::string_view spec, int& num_courses) const {
    const GridSpec reader(kind(), spec);
    num_courses = reader.integer("courses", {2, static_cast<int>(kMaxCourses)});
    std::vector<Rule> rules;
    for (const auto& rule : reader.rows("before", {1, kMaxRules}, {2, 2}, {0, num_courses - 1})) {
      if (rule[0] == rule[1]) reader.fail("\"before\" has a course before itself (need two different ones)");
      rules.push_back({rule[0], rule[1]});
    }
    return rules;
  }

  static Draft make_draft(int num_courses, const std::vector<Rule>& rules) {
    std::string list;
    for (const Rule& rule : rules) {
      list += (list.empty() ? "" : ", ") + course_name(rule[0]) + " before " + course_name(rule[1]);
    }
    Draft draft;
    draft.prompt =
        "There are the courses A to " + course_name(num_courses - 1) + ", with these rules: " + list +
        ". Give an order of all courses that keeps every rule. If there is none, give a cycle: courses of "
        "which each must come before the next by one of the rules, and the last before the first.\n"
        "Answer with the order in the form A, B, C or with the cycle in the form cycle: A, B, C.";
    draft.spec = nlohmann::json{{"courses", num_courses}, {"before", rules}}.dump();
    const std::vector<int> taken = take_courses(num_courses, rules, draft.steps);
    if (static_cast<int>(taken.size()) == num_courses) {
      draft.answer = list_text(taken);
      draft.steps += "All courses are taken.";
      return draft;
    }
    const std::vector<int> cycle = find_cycle(num_courses, rules, taken);
    draft.answer = "cycle: " + list_text(cycle);
    draft.steps += "No other course can be taken. Of those left,";
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      draft.steps += (i == 0 ? " " : ", ") + course_name(cycle[i]) + " before " +
                     course_name(cycle[(i + 1) % cycle.size()]);
    }
    draft.steps += ": a cycle.";
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_prerequisites_task(std::string name) {
  return std::make_unique<PrerequisitesTask>(std::move(name));
}

}  // namespace reckon
