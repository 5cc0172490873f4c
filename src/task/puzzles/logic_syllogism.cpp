#include "logic_syllogism.h"

namespace reckon {
namespace {

/// What is known of one member: of each term whether it is among them.
enum class Belongs : std::uint8_t { unknown, yes, no };
using Member = std::vector<Belongs>;

bool is_universal(const LogicStatement& statement) {
  return statement.quantifier == LogicQuantifier::all || statement.quantifier == LogicQuantifier::no;
}

LogicStatement opposite(LogicStatement statement) {
  constexpr std::array kOpposites{LogicQuantifier::some_not, LogicQuantifier::some, LogicQuantifier::no,
                                  LogicQuantifier::all};
  statement.quantifier = kOpposites.at(static_cast<std::size_t>(statement.quantifier));
  return statement;
}

/// "No wugs ..." inside a sentence.
std::string lower(std::string text) {
  text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

/// A member that there must be.
struct Required {
  Member member;
  const LogicStatement* because = nullptr;  ///< a Some; null for the import of a term
  std::size_t term = 0;
};

/// The worlds of statements: what binds every member, and which members there must be.
class Worlds {
 public:
  /// The statements must live as long as this.
  Worlds(const LogicSyllogism& known, const std::vector<LogicStatement>& statements) : known_(known) {
    const std::size_t num_terms = known.terms.size();
    for (const LogicStatement& statement : statements) {
      if (is_universal(statement)) {
        rules_.push_back(statement);
        continue;
      }
      Member member(num_terms, Belongs::unknown);
      member[statement.subject] = Belongs::yes;
      member[statement.predicate] =
          statement.quantifier == LogicQuantifier::some ? Belongs::yes : Belongs::no;
      required_.push_back({std::move(member), &statement, 0});
    }
    for (std::size_t i = 0; known.existential_import && i < num_terms; ++i) {
      Member member(num_terms, Belongs::unknown);
      member[i] = Belongs::yes;
      required_.push_back({std::move(member), nullptr, i});
    }
  }

  /// Whether there is none. Then `proof`, where given, gets the member that cannot be and why; else the
  /// required members are complete: what is still unknown of them is no.
  bool is_empty(std::string* proof) {
    for (Required& one : required_) {
      if (proof != nullptr) {
        *proof = one.because != nullptr ? known_.text(*one.because) + ": take such a one."
                                        : "There are " + known_.terms[one.term] + ": take one.";
      }
      if (is_contradicted(one.member, proof)) return true;
    }
    return false;
  }
  [[nodiscard]] const std::vector<Required>& required() const { return required_; }

 private:
  /// Sets what the rules say of a member, until nothing changes or a rule is broken.
  bool is_contradicted(Member& member, std::string* proof) const {
    const auto note = [&](const LogicStatement& rule, const std::string& conclusion) {
      if (proof != nullptr) *proof += " " + known_.text(rule) + ", so it is " + conclusion + ".";
    };
    for (bool changed = true; changed;) {
      changed = false;
      for (const LogicStatement& rule : rules_) {
        const Belongs then = rule.quantifier == LogicQuantifier::all ? Belongs::yes : Belongs::no;
        Belongs& predicate = member[rule.predicate];
        Belongs& subject = member[rule.subject];
        const bool is_other = predicate != Belongs::unknown && predicate != then;
        if (subject == Belongs::yes && is_other) {
          if (proof != nullptr) *proof += " But " + lower(known_.text(rule)) + ".";
          return true;
        }
        if (subject == Belongs::yes && predicate == Belongs::unknown) {
          predicate = then;
          note(rule, (then == Belongs::yes ? "among the " : "not among the ") + known_.terms[rule.predicate]);
          changed = true;
        } else if (subject == Belongs::unknown && is_other) {
          subject = Belongs::no;
          note(rule, "not among the " + known_.terms[rule.subject]);
          changed = true;
        }
      }
    }
    return false;
  }

  const LogicSyllogism& known_;
  std::vector<LogicStatement> rules_;  ///< All and No
  std::vector<Required> required_;
};

std::vector<LogicStatement> with(const std::vector<LogicStatement>& premises,
                                 const LogicStatement& statement) {
  std::vector<LogicStatement> all = premises;
  all.insert(all.begin(), statement);
  return all;
}

}  // namespace

std::string LogicSyllogism::text(const LogicStatement& statement) const {
  constexpr std::array<std::string_view, 4> kWords{"All ", "No ", "Some ", "Some "};
  return std::string(kWords.at(static_cast<std::size_t>(statement.quantifier))) +
         terms.at(statement.subject) + " are " +
         (statement.quantifier == LogicQuantifier::some_not ? "not " : "") + terms.at(statement.predicate);
}

bool LogicSyllogism::is_consistent() const {
  return !Worlds(*this, premises).is_empty(nullptr);
}

bool LogicSyllogism::follows(const LogicStatement& statement) const {
  const std::vector<LogicStatement> statements = with(premises, opposite(statement));
  return Worlds(*this, statements).is_empty(nullptr);
}

std::string LogicSyllogism::reason(const LogicStatement& statement) const {
  const std::vector<LogicStatement> statements = with(premises, opposite(statement));
  Worlds worlds(*this, statements);
  std::string proof;
  if (worlds.is_empty(&proof)) return "Yes. Suppose that " + lower(text(statements[0])) + ". " + proof;
  std::string members;
  for (const Required& one : worlds.required()) {
    std::string names;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (one.member[i] == Belongs::yes) names += (names.empty() ? "" : " and ") + terms[i];
    }
    const std::string kind = "one that is among " + names + " alone";
    if (members.find(kind) == std::string::npos) members += (members.empty() ? "" : ", ") + kind;
  }
  return "No. There may be nothing but " + (members.empty() ? "other things" : members) + ".";
}

}  // namespace reckon
