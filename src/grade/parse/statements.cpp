#include "parser.h"

namespace reckon {
namespace {

Relation relation_of(const Token& token) {
  return static_cast<Relation>(token.code);
}
bool joins_statements(Relation relation) {
  return relation == Relation::implies || relation == Relation::equivalent;
}
bool names_set(Relation relation) {
  switch (relation) {
    case Relation::element:
    case Relation::not_element:
    case Relation::subset:
    case Relation::subset_equal:
    case Relation::superset:
    case Relation::superset_equal:
      return true;
    default:
      return false;
  }
}

bool is_minute(const Token& token) {
  return token.text.size() == 2 && token.text[0] <= '5';
}

}  // namespace

Expr Parser::parse_statement() {
  Expr first = parse_disjunction();
  if (!at(TokenKind::relation) || !joins_statements(relation_of(peek()))) return first;
  Expr chain = make(Op::relation, std::move(first));
  while (at(TokenKind::relation) && joins_statements(relation_of(peek()))) {
    chain.relations.push_back(relation_of(take()));
    chain.args.push_back(parse_disjunction());
  }
  return chain;
}

Expr Parser::parse_disjunction() {
  Expr first = parse_conjunction();
  if (!at(TokenKind::logic_or)) return first;
  Expr any = make(Op::any_of, std::move(first));
  while (accept(TokenKind::logic_or)) any.args.push_back(parse_conjunction());
  return any;
}

Expr Parser::parse_conjunction() {
  Expr first = parse_negation();
  if (!at(TokenKind::logic_and)) return first;
  Expr all = make(Op::all_of, std::move(first));
  while (accept(TokenKind::logic_and)) all.args.push_back(parse_negation());
  return all;
}

Expr Parser::parse_negation() {
  if (!accept(TokenKind::logic_not)) return parse_relation();
  const Level level(*this);
  return make(Op::not_of, parse_negation());
}

/// Whether a relation is next, skipping the & of an align environment before it.
bool Parser::at_relation() {
  if (!in_matrix_ && at(TokenKind::ampersand) && at(TokenKind::relation, 1)) ++next_;
  return at(TokenKind::relation) && !joins_statements(relation_of(peek()));
}

Expr Parser::parse_relation() {
  Expr first = parse_ratio();
  if (!at_relation()) return parse_modulus(std::move(first));
  Expr chain = make(Op::relation, std::move(first));
  while (at_relation()) {
    const Relation relation = relation_of(take());
    if (!in_matrix_) accept(TokenKind::ampersand);
    const std::size_t start = next_;
    Expr side = parse_ratio();
    if (names_set(relation)) side = as_set(std::move(side), start);
    chain.relations.push_back(relation);
    chain.args.push_back(std::move(side));
  }
  const std::size_t before = next_;
  chain.args.back() = parse_modulus(std::move(chain.args.back()));
  const bool modulo = next_ != before || chain.args.back().op == Op::mod;
  for (Relation& relation : chain.relations) {
    if (relation == Relation::identical && modulo) relation = Relation::congruent;
  }
  return chain;
}

/// \pmod n and (mod n) are about the whole side before them.
Expr Parser::parse_modulus(Expr&& value) {
  const bool round = at_open(bracket::kRound) && at(TokenKind::modulo, 1);
  if (!round && !at(TokenKind::bracketed_modulo)) return std::move(value);
  if (!round) {
    ++next_;
    return make(Op::mod, std::move(value), parse_argument(false));
  }
  next_ += 2;
  Expr modulus = parse_sum();
  if (!accept_close(bracket::kRound)) return unexpected(")");
  return make(Op::mod, std::move(value), std::move(modulus));
}

/// a : b, and a time of day: the minutes have a zero first, or am or pm stands behind (10:30 alone may be a
/// ratio).
Expr Parser::parse_ratio() {
  const std::size_t start = next_;
  Expr first = parse_union();
  if (!ratio_allowed_ || !at(TokenKind::colon)) return first;
  Expr ratio = make(Op::ratio, std::move(first));
  bool clock = tokens_[start].text.size() <= 2 && next_ == start + 1 && is_plain_integer(ratio.args[0]);
  bool sure = false;
  while (accept(TokenKind::colon)) {
    const Token& token = peek();
    const std::size_t before = next_;
    ratio.args.push_back(parse_union());
    clock = clock && next_ == before + 1 && is_plain_integer(ratio.args.back()) && is_minute(token);
    sure = sure || token.text.starts_with('0');
  }
  if (ok() && at_word(WordClass::am_pm)) {
    ratio.name = peek().text.starts_with('a') || peek().text.starts_with('A') ? "am" : "pm";
    ++next_;
    if (!clock) return fail("am or pm behind what is no time of day");
    sure = true;
  }
  ratio.clock = clock && sure && ratio.args.size() <= 3 &&
                (ratio.args[0].digits.size() == 1 || ratio.args[0].digits < "25");
  return ratio;
}

/// {x} is a set where a set must be; elsewhere a group.
Expr Parser::as_set(Expr&& expr, std::size_t start) {
  if (group_start_ != start || group_end_ != next_ || next_ == start || is_set_like(expr))
    return std::move(expr);
  return make(Op::set, std::move(expr));
}

/// U between two sets: (1,2)U(3,4).
bool Parser::at_union_letter(const Expr& left) const {
  return at_letter("U") && at(TokenKind::open, 1) && is_set_like(left);
}

Expr Parser::parse_union() {
  const std::size_t start = next_;
  Expr left = parse_intersection();
  if (!at(TokenKind::cup) && !at(TokenKind::set_minus) && !at_union_letter(left)) return left;
  left = as_set(std::move(left), start);
  while (ok()) {
    const bool difference = at(TokenKind::set_minus);
    if (!difference && !at(TokenKind::cup) && !at_union_letter(left)) break;
    ++next_;
    const std::size_t operand = next_;
    Expr right = as_set(parse_intersection(), operand);
    if (!difference && left.op == Op::set_union) {
      left.args.push_back(std::move(right));
    } else {
      const Level level(*this);
      left = make(difference ? Op::set_difference : Op::set_union, std::move(left), std::move(right));
    }
  }
  return left;
}

Expr Parser::parse_intersection() {
  const std::size_t start = next_;
  Expr first = parse_sum();
  if (!at(TokenKind::cap)) return first;
  Expr result = make(Op::intersection, as_set(std::move(first), start));
  while (accept(TokenKind::cap)) {
    const std::size_t operand = next_;
    result.args.push_back(as_set(parse_sum(), operand));
  }
  return result;
}

}  // namespace reckon
