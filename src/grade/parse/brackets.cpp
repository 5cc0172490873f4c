#include <algorithm>

#include "parser.h"

namespace reckon {
namespace {

/// What take_close() says of the [ that closes [a, b[.
constexpr char kReversed = 'r';

/// Whether in a bracket of that kind a comma separates members, so that it groups no thousands.
bool lists_members(char open) {
  return open == bracket::kRound || open == bracket::kSquare || open == bracket::kSet ||
         open == bracket::kAngle || open == bracket::kGroup || open == bracket::kNull;
}

Op op_of_bracket(char open) {
  return open == bracket::kFloor ? Op::floor : open == bracket::kCeil ? Op::ceil : Op::absolute;
}

/// [[1, 2], [3, 4]]: rows in square brackets.
bool is_row(const Expr& expr, std::size_t size) {
  const bool closed = expr.op == Op::interval && expr.low_closed && expr.high_closed;
  return (closed || expr.op == Op::sequence) && expr.args.size() == size;
}

}  // namespace

/// Takes the bracket that closes: the partner of `open`, the other half of a half-open interval, or \right. .
char Parser::take_close(char open) {
  const bool reversed = at_open(bracket::kSquare) && (open == ']' || open == bracket::kSquare);  // [a, b[
  if (reversed) {
    ++next_;
    return kReversed;
  }
  const bool unsided = at(TokenKind::bar) && peek().code == static_cast<std::uint8_t>(open);
  if (!at(TokenKind::close) && !unsided) {
    unexpected("the end of a bracket");
    return 0;
  }
  const char close = static_cast<char>(peek().code);
  const bool interval = (open == bracket::kRound || open == bracket::kSquare || open == ']') &&
                        (close == bracket::kRound || close == bracket::kSquare);
  const bool partner = close == open || close == bracket::kNull || open == bracket::kNull || interval;
  if (!partner) {
    unexpected("the other half of the bracket");
    return 0;
  }
  take();
  return close;
}

Parser::Members Parser::parse_bracket_members(char& open, char& close) {
  const Level level(*this);
  open = static_cast<char>(take().code);
  const bool matrix = std::exchange(in_matrix_, false);
  const bool ratios = std::exchange(ratio_allowed_, open != bracket::kSet);
  Side* const side = open == bracket::kGroup ? side_ : std::exchange(side_, nullptr);
  const bool list = lists_members(open);
  brackets_.push_back(open);
  num_list_brackets_ += list ? 1 : 0;
  Members members = parse_members();
  if (ok() && (at(TokenKind::choose) || at(TokenKind::over)) && open == bracket::kGroup) {
    Expr merged = parse_group_operator(std::move(members));
    members = {};
    members.members.push_back(std::move(merged));
    members.part_ends.push_back(1);
  }
  if (ok() && at_such_that()) {
    ratio_allowed_ = true;
    Expr builder = parse_set_builder(std::move(members));
    members = {};
    members.members.push_back(std::move(builder));
    members.part_ends.push_back(1);
  }
  num_list_brackets_ -= list ? 1 : 0;
  brackets_.pop_back();
  in_matrix_ = matrix;
  ratio_allowed_ = ratios;
  if (side != nullptr) side_ = side;
  close = ok() ? take_close(open) : '\0';
  return members;
}

/// {n \choose k}, {a \over b}.
Expr Parser::parse_group_operator(Members&& members) {
  const bool choose = at(TokenKind::choose);
  if (members.members.size() != 1) return fail("a list before \\choose or \\over");
  ++next_;
  Expr below = parse_sum();
  return make(choose ? Op::binomial : Op::divide, std::move(members.members[0]), std::move(below));
}

/// Whether the sign that begins the condition of a set is next: |, \mid, : or \left| with \right. as its
/// partner.
bool Parser::at_such_that() const {
  if (brackets_.empty() || (brackets_.back() != bracket::kSet && brackets_.back() != bracket::kGroup))
    return false;
  if (brackets_.back() == bracket::kGroup) return at(TokenKind::bar) || at(TokenKind::mid);
  if (!at_open(bracket::kBar)) return at(TokenKind::bar) || at(TokenKind::mid) || at(TokenKind::colon);
  int depth = 0;
  for (std::size_t i = next_; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    depth += token.kind == TokenKind::open ? 1 : token.kind == TokenKind::close ? -1 : 0;
    if (depth == 0) return token.code == static_cast<std::uint8_t>(bracket::kNull);
  }
  return false;
}

/// {x | conditions}, {x : conditions}.
Expr Parser::parse_set_builder(Members&& members) {
  if (members.members.size() != 1) return fail("a list before the condition of a set");
  const bool sided = take().kind == TokenKind::open;
  Members conditions = parse_members();
  if (sided && ok() && !accept_close(bracket::kNull)) return unexpected("\\right.");
  if (!ok()) return {};
  Expr condition = conditions.members.size() == 1 ? std::move(conditions.members[0])
                                                  : make(Op::all_of, std::move(conditions.members));
  return make(Op::set_builder, std::move(members.members[0]), std::move(condition));
}

Expr Parser::parse_bracket() {
  const std::size_t start = next_;
  const char open = static_cast<char>(peek().code);
  if (at(TokenKind::close, 1) && peek(1).code == peek().code) {
    if (open == bracket::kSet) {
      next_ += 2;
      return make(Op::empty_set);
    }
    if (open == bracket::kGroup && at(TokenKind::underscore, 2)) {  // {}_5C_2
      next_ += 2;
      return parse_prescript();
    }
    return fail("empty brackets");
  }
  char kind = 0;
  char close = 0;
  Members members = parse_bracket_members(kind, close);
  if (!ok()) return {};
  const bool square = open == bracket::kSquare;
  if ((open == bracket::kRound || square) && close != open && close != bracket::kNull) {
    if (members.members.size() != 2) return fail("an interval of other than two ends");
    Expr interval = make(Op::interval, std::move(members.members));
    interval.low_closed = square;
    interval.high_closed = close == bracket::kSquare;
    return interval;
  }
  return finish_bracket(open, std::move(members), start);
}

/// What stands in brackets whose halves fit: a value, a point, an interval, a set, ...
Expr Parser::finish_bracket(char open, Members&& members, std::size_t start) {
  auto& all = members.members;
  const bool single = all.size() == 1;
  switch (open) {
    case bracket::kFloor:
    case bracket::kCeil:
    case bracket::kBar:
    case bracket::kNorm:
      if (!single) return fail("a list between bars");
      return make(op_of_bracket(open), std::move(all[0]));
    case bracket::kAngle: {
      if (single) return fail("a vector of one component");
      Expr vector = make(Op::tuple, std::move(all));
      vector.name = "vector";
      return vector;
    }
    case bracket::kSquare: {
      if (single && all[0].op == Op::matrix) return std::move(all[0]);
      const std::size_t width = all[0].args.size();
      if (std::all_of(all.begin(), all.end(), [width](const Expr& row) { return is_row(row, width); })) {
        Expr matrix = make(Op::matrix);
        matrix.num_columns = static_cast<std::int32_t>(width);
        for (Expr& row : all) std::move(row.args.begin(), row.args.end(), std::back_inserter(matrix.args));
        return matrix;
      }
      if (all.size() != 2) return make(Op::sequence, std::move(all));
      Expr interval = make(Op::interval, std::move(all));
      interval.low_closed = interval.high_closed = true;
      return interval;
    }
    case bracket::kSet:
      if (single && (all[0].op == Op::set_builder || all[0].op == Op::cases)) return std::move(all[0]);
      break;
    case bracket::kGroup:
      if (single && all[0].op == Op::set_builder) return std::move(all[0]);
      if (single) {
        group_start_ = start;
        group_end_ = next_;
        return std::move(all[0]);
      }
      break;
    default:  // round, or none
      if (!single) return make(Op::tuple, std::move(all));
      parenthesis_end_ = next_;
      return std::move(all[0]);
  }
  if (single && all[0].op == Op::list) return std::move(all[0]);  // \left\{ x = 1 \\ y = 2 \right.
  if (members.all_groups) {                                       // {{1}, {2}}
    for (Expr& member : all) {
      if (!is_set_like(member)) member = make(Op::set, std::move(member));
    }
  }
  return make(Op::set, std::move(all));
}

/// ]a, b[ and ]a, b].
Expr Parser::parse_reversed_interval() {
  const Level level(*this);
  ++next_;
  brackets_.push_back(']');
  ++num_list_brackets_;
  Members members = parse_members();
  --num_list_brackets_;
  brackets_.pop_back();
  if (!ok()) return {};
  const char close = take_close(']');
  if (!ok()) return {};
  if (members.members.size() != 2) return fail("an interval of other than two ends");
  Expr interval = make(Op::interval, std::move(members.members));
  interval.high_closed = close == bracket::kSquare;
  return interval;
}

/// |x|, whose halves look alike.
Expr Parser::parse_bar() {
  const Level level(*this);
  const char open = static_cast<char>(take().code);
  brackets_.push_back(open);
  const bool ratios = std::exchange(ratio_allowed_, true);
  Expr inside = parse_statement();
  ratio_allowed_ = ratios;
  brackets_.pop_back();
  if (!ok()) return {};
  take_close(open);
  if (!ok()) return {};
  return make(Op::absolute, without_bracket(std::move(inside)));
}

/// \frac and its two arguments; of two whole numbers it may follow another to make a mixed number.
Parser::Factor Parser::parse_fraction() {
  ++next_;
  if (at_derivative()) return {parse_derivative()};
  Expr numerator = parse_argument(true);
  Expr denominator = parse_argument(true);
  const bool plain = is_plain_integer(numerator) && is_plain_integer(denominator);
  Expr fraction =
      make(Op::divide, without_bracket(std::move(numerator)), without_bracket(std::move(denominator)));
  return {std::move(fraction), plain ? Shape::fraction : Shape::other};
}

/// The argument of a command: a group, or one token. \frac12 takes one digit, \sqrt12 all of them.
Expr Parser::parse_argument(bool one_digit) {
  if (at_open(bracket::kGroup)) {
    const Level level(*this);
    ++next_;
    const int lists = std::exchange(num_list_brackets_, 0);  // \frac{1,000}{3}
    const bool matrix = std::exchange(in_matrix_, false);
    brackets_.push_back(bracket::kGroup);
    Members members = parse_members();
    brackets_.pop_back();
    if (ok() && (at(TokenKind::choose) || at(TokenKind::over))) {
      Expr merged = parse_group_operator(std::move(members));
      members = {};
      members.members.push_back(std::move(merged));
    }
    num_list_brackets_ = lists;
    in_matrix_ = matrix;
    if (ok() && !accept_close(bracket::kGroup)) return unexpected("}");
    return join(std::move(members));
  }
  if (at(TokenKind::number) && one_digit) {
    Token& token = tokens_[next_];
    const std::string_view digit = token.text.substr(0, 1);
    if (digit == ".") return unexpected("a digit");
    token.text.remove_prefix(1);
    token.blank_before = false;
    if (token.text.empty()) ++next_;
    return number_of(digit);
  }
  if (at(TokenKind::number)) return number_of(take().text);
  const Level level(*this);
  return parse_primary().expr;
}

/// \sqrt[3]{x}, \sqrt x, sqrt(x), cbrt(x): sqrt is a root of degree 2.
Expr Parser::parse_root() {
  const Token root = take();
  Expr degree = make_integer(root.code);
  if (at_open(bracket::kSquare)) {
    const Level level(*this);
    ++next_;
    brackets_.push_back(bracket::kSquare);
    degree = parse_sum();
    brackets_.pop_back();
    if (!accept_close(bracket::kSquare)) return unexpected("]");
  }
  Expr radicand = parse_argument(false);
  return make(Op::root, without_bracket(std::move(radicand)), std::move(degree));
}

}  // namespace reckon
