#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

enum class LogicQuantifier { all, no, some, some_not };
inline constexpr std::array<std::string_view, 4> kLogicQuantifierNames{"all", "no", "some", "some_not"};

/// "All wugs are daxes", "No ...", "Some ...", "Some wugs are not daxes"; terms are numbers.
struct LogicStatement {
  LogicQuantifier quantifier = LogicQuantifier::all;
  std::size_t subject = 0;
  std::size_t predicate = 0;
  auto operator<=>(const LogicStatement&) const = default;
};

/// Terms and what is known of them. All and No say nothing about whether there are members.
struct LogicSyllogism {
  std::vector<std::string> terms;  ///< plural nouns
  std::vector<LogicStatement> premises;
  bool existential_import = false;  ///< every term has a member

  [[nodiscard]] std::string text(const LogicStatement& statement) const;
  /// Whether there is a world in which all premises are true.
  [[nodiscard]] bool is_consistent() const;
  /// Whether a statement is true in every world in which the premises are: where the premises and its
  /// opposite have no world. One member must be found for each Some and each import; All and No bind each
  /// member alone, by clauses of two literals, whose unit propagation is complete because having no further
  /// property keeps all of them.
  [[nodiscard]] bool follows(const LogicStatement& statement) const;
  /// Why it follows, or a world in which it is false.
  [[nodiscard]] std::string reason(const LogicStatement& statement) const;
};

}  // namespace reckon
