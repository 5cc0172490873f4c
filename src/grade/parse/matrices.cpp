#include "parser.h"

namespace reckon {

Expr Parser::parse_environment() {
  const Level level(*this);
  const std::string_view name = take().text;
  const bool cases = name == "cases" || name == "dcases" || name == "rcases";
  const bool matrix = std::exchange(in_matrix_, true);
  brackets_.push_back(bracket::kNull);
  const int lists = std::exchange(num_list_brackets_, 1);
  const bool ratios = std::exchange(ratio_allowed_, true);
  Expr result = cases ? parse_cases() : parse_matrix(name);
  ratio_allowed_ = ratios;
  num_list_brackets_ = lists;
  brackets_.pop_back();
  in_matrix_ = matrix;
  if (!ok()) return {};
  if (peek().text != name || !accept(TokenKind::finish))
    return unexpected("\\end{" + std::string(name) + "}");
  return result;
}

/// Rows of equal length. A column of statements is the list of them; \begin{vmatrix} is a determinant.
Expr Parser::parse_matrix(std::string_view name) {
  const auto side = static_cast<std::size_t>(limits_.max_matrix_side);
  Expr matrix = make(Op::matrix);
  std::size_t width = 0;
  std::size_t num_rows = 0;
  bool statements = true;
  while (ok() && !at(TokenKind::finish)) {
    std::size_t row = 0;
    do {
      matrix.args.push_back(parse_statement());
      statements = statements && matrix.args.back().op == Op::relation;
      if (++row > side) return refuse("a matrix of more than " + std::to_string(side) + " columns");
    } while (accept(TokenKind::ampersand));
    if (num_rows++ > 0 && row != width)
      return fail("rows of a matrix of " + std::to_string(width) + " and " + std::to_string(row) +
                  " members");
    if (num_rows > side) return refuse("a matrix of more than " + std::to_string(side) + " rows");
    width = row;
    accept(TokenKind::comma);
    if (!accept(TokenKind::row_break)) break;
  }
  if (ok() && matrix.args.empty()) return unexpected("a member of a matrix");
  matrix.num_columns = static_cast<std::int32_t>(width);
  if (ok() && statements && width == 1 && matrix.args.size() > 1)
    return make(Op::list, std::move(matrix.args));
  if (name != "vmatrix") return matrix;
  Expr determinant = make(Op::call, std::move(matrix));
  determinant.name = "det";
  return determinant;
}

/// Rows of a value and its condition, between which there is & or the word if. Rows without conditions are a
/// system of equations: the list of them.
Expr Parser::parse_cases() {
  Expr result = make(Op::cases);
  bool conditions = false;
  std::size_t num_rows = 0;
  while (ok() && !at(TokenKind::finish)) {
    if (++num_rows > static_cast<std::size_t>(limits_.max_matrix_side)) {
      return refuse("more than " + std::to_string(limits_.max_matrix_side) + " cases");
    }
    result.args.push_back(parse_statement());
    if (!ok()) return {};
    const bool comma = accept(TokenKind::comma);
    const bool column =
        accept(TokenKind::ampersand) || (comma && !at(TokenKind::row_break) && !at(TokenKind::finish));
    const bool otherwise = at_word(WordClass::condition) && peek().text.starts_with('o');
    const bool word = accept_condition_word();
    Expr condition = make_text("");
    if (otherwise || (word && (at(TokenKind::row_break) || at(TokenKind::finish)))) {
      condition = make_text("otherwise");
    } else if (column || word) {
      Members members = parse_members();
      if (!ok()) return {};
      condition = members.members.size() == 1
                      ? std::move(members.members[0])
                      : make(members.disjunction ? Op::any_of : Op::all_of, std::move(members.members));
    }
    conditions = conditions || column || word;
    result.args.push_back(std::move(condition));
    accept(TokenKind::point);
    accept(TokenKind::comma);
    if (!accept(TokenKind::row_break)) break;
  }
  if (ok() && result.args.empty()) return unexpected("a case");
  if (conditions) return result;
  std::vector<Expr> rows;
  for (std::size_t i = 0; i < result.args.size(); i += 2) rows.push_back(std::move(result.args[i]));
  return rows.size() == 1 ? std::move(rows[0]) : make(Op::list, std::move(rows));
}

bool Parser::accept_condition_word() {
  bool found = false;
  while (at_word(WordClass::condition)) {
    ++next_;
    found = true;
  }
  return found;
}

}  // namespace reckon
