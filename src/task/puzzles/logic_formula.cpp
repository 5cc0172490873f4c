#include "logic_formula.h"

#include <array>

namespace reckon {
namespace {

constexpr std::size_t kMaxBytes = 1024;
constexpr int kMaxDepth = 32;

struct Sign {
  std::string_view text;
  char meaning;  ///< ~ & | > (implies) = (equivalent)
};
// The longer of two that begin alike stands first.
constexpr std::array<Sign, 11> kSigns{{{"<->", '='},
                                       {"->", '>'},
                                       {"~", '~'},
                                       {"!", '~'},
                                       {"&", '&'},
                                       {"|", '|'},
                                       {"\xC2\xAC", '~'},
                                       {"\xE2\x88\xA7", '&'},
                                       {"\xE2\x88\xA8", '|'},
                                       {"\xE2\x86\x92", '>'},
                                       {"\xE2\x86\x94", '='}}};

/// Recursive descent; every function returns nothing at the first thing that does not fit.
class Parser {
 public:
  Parser(std::string_view text, std::string_view atoms) : rest_(text), atoms_(atoms) {}

  std::optional<LogicFormula> run() {
    if (rest_.size() > kMaxBytes) return std::nullopt;
    const auto table = formula(0);
    skip_blanks();
    if (!table || !rest_.empty()) return std::nullopt;
    return LogicFormula{*table, num_letters_};
  }

 private:
  using Table = std::optional<std::uint64_t>;

  void skip_blanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool take(char meaning) {
    skip_blanks();
    for (const Sign& sign : kSigns) {
      if (!rest_.starts_with(sign.text)) continue;
      if (sign.meaning != meaning) return false;
      rest_.remove_prefix(sign.text.size());
      return true;
    }
    return false;
  }
  bool take_bracket(char bracket) {
    skip_blanks();
    if (!rest_.starts_with(bracket)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Table formula(int depth) {
    const Table left = either(depth);
    if (!left) return left;
    const bool implies = take('>');
    if (!implies && !take('=')) return left;
    const Table right = either(depth);
    if (!right) return right;
    const std::uint64_t rows = logic_all_rows(atoms_.size());
    return implies ? (rows & ~*left) | *right : rows & ~(*left ^ *right);
  }
  Table either(int depth) {
    Table left = both(depth);
    while (left && take('|')) {
      const Table right = both(depth);
      if (!right) return right;
      *left |= *right;
    }
    return left;
  }
  Table both(int depth) {
    Table left = part(depth);
    while (left && take('&')) {
      const Table right = part(depth);
      if (!right) return right;
      *left &= *right;
    }
    return left;
  }
  Table part(int depth) {
    if (depth == kMaxDepth) return std::nullopt;
    if (take('~')) {
      const Table inner = part(depth + 1);
      return inner ? Table(logic_all_rows(atoms_.size()) & ~*inner) : inner;
    }
    if (take_bracket('(')) {
      const Table inner = formula(depth + 1);
      return take_bracket(')') ? inner : std::nullopt;
    }
    skip_blanks();
    const std::size_t atom = rest_.empty() ? std::string_view::npos : atoms_.find(rest_[0]);
    if (atom == std::string_view::npos) return std::nullopt;
    rest_.remove_prefix(1);
    ++num_letters_;
    return logic_atom_table(atom, atoms_.size());
  }

  std::string_view rest_;
  std::string_view atoms_;
  std::size_t num_letters_ = 0;
};

}  // namespace

std::uint64_t logic_all_rows(std::size_t num_atoms) {
  return num_atoms == kMaxLogicAtoms ? ~std::uint64_t{0}
                                     : (std::uint64_t{1} << (std::size_t{1} << num_atoms)) - 1;
}

std::uint64_t logic_atom_table(std::size_t atom, std::size_t num_atoms) {
  // Row r is in the table where r / 2^atom is odd.
  constexpr std::array<std::uint64_t, kMaxLogicAtoms> kTables{0xAAAAAAAAAAAAAAAAu, 0xCCCCCCCCCCCCCCCCu,
                                                              0xF0F0F0F0F0F0F0F0u, 0xFF00FF00FF00FF00u,
                                                              0xFFFF0000FFFF0000u, 0xFFFFFFFF00000000u};
  return kTables.at(atom) & logic_all_rows(num_atoms);
}

std::size_t logic_num_essential(std::uint64_t table, std::size_t num_atoms) {
  std::size_t count = 0;
  for (std::size_t atom = 0; atom < num_atoms; ++atom) {
    // Rows with the atom, moved to the rows that differ from them in it alone.
    const std::uint64_t with = logic_atom_table(atom, num_atoms);
    const std::uint64_t moved = (table & with) >> (std::size_t{1} << atom);
    count += moved != (table & ~with & logic_all_rows(num_atoms)) ? 1 : 0;
  }
  return count;
}

std::optional<LogicFormula> read_logic_formula(std::string_view text, std::string_view atoms) {
  return Parser(text, atoms).run();
}

}  // namespace reckon
