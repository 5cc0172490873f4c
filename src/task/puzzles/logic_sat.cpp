#include "logic_sat.h"

#include <algorithm>
#include <cstdlib>

namespace reckon {
namespace {

enum class Value : std::uint8_t { unknown, yes, no };

class Search {
 public:
  Search(std::size_t num_variables, const std::vector<LogicClause>& clauses)
      : clauses_(clauses), values_(num_variables, Value::unknown) {}

  LogicSatResult run() {
    LogicSatResult result;
    result.satisfiable = descend("Start");
    result.steps = std::move(steps_);
    if (!result.satisfiable) {
      result.steps += "Every branch fails: UNSAT.";
      return result;
    }
    for (const Value value : values_) result.values.push_back(value == Value::yes);
    result.steps += "All clauses hold";
    if (std::find(values_.begin(), values_.end(), Value::unknown) != values_.end())
      result.steps += "; the variables that are left may be anything and become F";
    result.steps += ".";
    return result;
  }

 private:
  [[nodiscard]] Value value_of(std::int64_t literal) const {
    const Value value = values_[static_cast<std::size_t>(std::abs(literal)) - 1];
    if (value == Value::unknown || literal > 0) return value;
    return value == Value::yes ? Value::no : Value::yes;
  }
  void make_true(std::int64_t literal) {
    values_[static_cast<std::size_t>(std::abs(literal)) - 1] = literal > 0 ? Value::yes : Value::no;
  }
  static std::string text(std::int64_t literal) {
    return "x" + std::to_string(std::abs(literal)) + (literal > 0 ? "=T" : "=F");
  }

  /// Sets what clauses with one literal left force, until nothing changes. \return whether no clause is
  /// false.
  bool propagate() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = 0; i < clauses_.size(); ++i) {
        std::int64_t free = 0;
        std::size_t num_free = 0;
        bool holds = false;
        for (const std::int64_t literal : clauses_[i]) {
          const Value value = value_of(literal);
          holds = holds || value == Value::yes;
          if (value != Value::unknown) continue;
          free = literal;
          ++num_free;
        }
        if (holds || num_free > 1) continue;
        if (num_free == 0) {
          steps_ += "; clause " + std::to_string(i + 1) + " fails.\n";
          return false;
        }
        make_true(free);
        steps_ += "; clause " + std::to_string(i + 1) + ": " + text(free);
        changed = true;
      }
    }
    return true;
  }

  /// The literal that stands most often in the clauses that do not hold yet, the first of several; 0 where
  /// all hold.
  [[nodiscard]] std::int64_t choice() const {
    std::vector<std::size_t> counts(2 * values_.size(), 0);
    for (const LogicClause& clause : clauses_) {
      const auto holds = [&](std::int64_t literal) { return value_of(literal) == Value::yes; };
      if (std::any_of(clause.begin(), clause.end(), holds)) continue;
      for (const std::int64_t literal : clause) {
        if (value_of(literal) == Value::unknown)
          ++counts[2 * (static_cast<std::size_t>(std::abs(literal)) - 1) + (literal > 0 ? 0 : 1)];
      }
    }
    const auto most = std::max_element(counts.begin(), counts.end());
    if (*most == 0) return 0;
    const auto place = most - counts.begin();
    return place % 2 == 0 ? place / 2 + 1 : -(place / 2 + 1);
  }

  /// As deep as there are variables at most.
  bool descend(const std::string& reason) {
    steps_ += reason;
    if (!propagate()) return false;
    steps_ += ".\n";
    const std::int64_t literal = choice();
    if (literal == 0) return true;
    const std::vector<Value> before = values_;
    make_true(literal);
    if (descend("Suppose " + text(literal))) return true;
    values_ = before;
    make_true(-literal);
    return descend("So " + text(-literal));
  }

  const std::vector<LogicClause>& clauses_;
  std::vector<Value> values_;
  std::string steps_;
};

}  // namespace

LogicSatResult logic_solve_sat(std::size_t num_variables, const std::vector<LogicClause>& clauses) {
  return Search(num_variables, clauses).run();
}

bool logic_satisfies(const std::vector<bool>& values, const std::vector<LogicClause>& clauses) {
  return std::all_of(clauses.begin(), clauses.end(), [&](const LogicClause& clause) {
    return std::any_of(clause.begin(), clause.end(), [&](std::int64_t literal) {
      return values[static_cast<std::size_t>(std::abs(literal)) - 1] == (literal > 0);
    });
  });
}

}  // namespace reckon
