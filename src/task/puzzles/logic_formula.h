#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reckon {

/// Most atoms of a formula: a truth table is one word.
inline constexpr std::size_t kMaxLogicAtoms = 6;

/// A propositional formula, as its truth table. In row r atom i is true where bit i of r is set; bit r of the
/// table is the formula's value there.
struct LogicFormula {
  std::uint64_t table = 0;
  std::size_t num_letters = 0;  ///< atoms written, each as often as it stands
};

/// Bits of all rows.
[[nodiscard]] std::uint64_t logic_all_rows(std::size_t num_atoms);
/// Table of one atom.
[[nodiscard]] std::uint64_t logic_atom_table(std::size_t atom, std::size_t num_atoms);
/// How many atoms the value of a table depends on.
[[nodiscard]] std::size_t logic_num_essential(std::uint64_t table, std::size_t num_atoms);

/// Reads a formula over `atoms`, at most kMaxLogicAtoms different letters:
///   formula := either ('->' either)? | either ('<->' either)?     (neither chains: parentheses are needed)
///   either  := both ('|' both)*          both := part ('&' part)*
///   part    := '~' part | '(' formula ')' | atom
/// with blanks anywhere between; the signs of logic, U+00AC 2227 2228 2192 2194, and ! for ~ are read too.
/// Nothing where the text is no formula, has more than 1,024 bytes or is nested deeper than 32.
[[nodiscard]] std::optional<LogicFormula> read_logic_formula(std::string_view text, std::string_view atoms);

}  // namespace reckon
