#include "parser.h"

namespace reckon {
namespace {

Expr with_sign(Expr&& expr, TokenKind sign) {
  if (sign == TokenKind::minus) return make(Op::negate, std::move(expr));
  if (sign == TokenKind::plus_minus) return make(Op::plus_minus, std::move(expr));
  if (sign == TokenKind::minus_plus) return make(Op::minus_plus, std::move(expr));
  return std::move(expr);
}

Expr with_signs(Expr&& expr, const std::vector<TokenKind>& signs) {
  Expr result = std::move(expr);
  for (auto sign = signs.rbegin(); sign != signs.rend(); ++sign) result = with_sign(std::move(result), *sign);
  return result;
}

bool is_sign(TokenKind kind) {
  return kind == TokenKind::plus || kind == TokenKind::minus || kind == TokenKind::plus_minus ||
         kind == TokenKind::minus_plus;
}

/// R - {0}: a difference of sets.
bool is_difference(const std::vector<Expr>& terms) {
  return terms.size() == 2 && terms[1].op == Op::negate && is_set_like(terms[0]) &&
         terms[0].op != Op::tuple && terms[1].args[0].op != Op::tuple && is_set_like(terms[1].args[0]);
}

}  // namespace

/// Terms joined by signs. A unit behind the sum is about all of it: 2 + \sqrt3 \text{ cm}; once there was
/// one, each term has its own: 3 hours 20 minutes.
Expr Parser::parse_sum() {
  if (at_text()) return parse_text();
  std::vector<Expr> terms;
  bool units = false;
  bool owes_unit = false;
  terms.push_back(parse_signed_term());
  while (ok() && !(differential_ != nullptr && differential_->found)) {
    const bool unit = at_unit();
    const bool compound = std::exchange(owes_unit, false);
    if (compound && !unit) return unexpected("a unit");
    if (unit) {
      if (!units && terms.size() > 1) {
        Expr sum = make(Op::add, std::move(terms));
        terms.clear();
        terms.push_back(std::move(sum));
      }
      parse_unit(terms.back());
      units = true;
      if (compound && terms[terms.size() - 2].name == terms.back().name)
        return fail("a unit twice in one quantity");
    }
    if (is_sign(peek().kind)) {
      const TokenKind sign = take().kind;
      if (side_ != nullptr && (at(TokenKind::end) || at(TokenKind::close))) {
        side_->name = sign == TokenKind::minus ? "-" : "+";
        break;
      }
      Expr term = parse_signed_term();
      terms.push_back(with_sign(std::move(term), sign));
    } else if (unit && at(TokenKind::number)) {
      owes_unit = true;
      terms.push_back(parse_signed_term());
    } else {
      break;
    }
  }
  if (terms.size() == 1) return std::move(terms[0]);
  if (is_difference(terms)) {
    return make(Op::set_difference, std::move(terms[0]), std::move(terms[1].args[0]));
  }
  return make(Op::add, std::move(terms));
}

std::vector<TokenKind> Parser::take_signs() {
  std::vector<TokenKind> signs;
  while (is_sign(peek().kind)) {
    signs.push_back(take().kind);
    if (signs.size() > static_cast<std::size_t>(limits_.max_depth)) {
      refuse("more than " + std::to_string(limits_.max_depth) + " signs in a row");
    }
  }
  return signs;
}

Expr Parser::parse_signed_term() {
  return parse_term(take_signs());
}

Expr Parser::parse_signed_factor(Shape* shape) {
  const std::vector<TokenKind> signs = take_signs();
  Factor factor = parse_factor();
  if (shape != nullptr) *shape = signs.empty() ? factor.shape : Shape::other;
  return with_signs(std::move(factor.expr), signs);
}

/// Factors joined by signs or nothing, from left to right: a / b c is (a / b) c (see parse_glued_letters for
/// A / 8y). The signs before it are those of the product, but of its first factor before \mod: -1 \mod 2
/// is 1.
Expr Parser::parse_term(std::vector<TokenKind>&& signs) {
  std::vector<Expr> factors;
  Shape last = Shape::other;
  Factor first = parse_factor();
  factors.push_back(std::move(first.expr));
  last = first.shape;
  int num_wrapped = 0;
  while (ok() && !(differential_ != nullptr && differential_->found)) {
    const TokenKind kind = peek().kind;
    if (kind == TokenKind::times) {
      ++next_;
      const bool was_found = differential_ != nullptr && differential_->found;
      Expr factor = parse_signed_factor(&last);
      if (differential_ != nullptr && differential_->found && !was_found && is_plain_integer(factor)) break;
      factors.push_back(std::move(factor));
      last = Shape::other;
    } else if (kind == TokenKind::slash || kind == TokenKind::modulo) {
      ++next_;
      if (++num_wrapped > limits_.max_depth)
        return refuse("more than " + std::to_string(limits_.max_depth) + " divisions in a row");
      Expr left = make_product(std::move(factors));
      if (kind == TokenKind::modulo) {
        left = with_signs(std::move(left), signs);
        signs.clear();
      }
      Shape divisor = Shape::other;
      Expr right = without_bracket(parse_signed_factor(&divisor));
      if (divisor == Shape::integer && kind == TokenKind::slash && !is_plain_integer(left)) {
        right = parse_glued_letters(std::move(right));
      }
      left = make(kind == TokenKind::slash ? Op::divide : Op::mod, without_bracket(std::move(left)),
                  std::move(right));
      factors.clear();
      factors.push_back(std::move(left));
      last = Shape::other;
    } else if (starts_factor() && !at_union_letter(factors.back())) {
      parse_implicit_factor(factors, last);
    } else {
      break;
    }
  }
  return with_signs(make_product(std::move(factors)), signs);
}

/// A / 8y has 8y below, as it looks; but 1/2x is half of x.
Expr Parser::parse_glued_letters(Expr&& number) {
  std::vector<Expr> factors;
  factors.push_back(std::move(number));
  while (ok() && at(TokenKind::letter) && !peek().blank_before && starts_factor()) {
    factors.push_back(parse_factor().expr);
  }
  return make_product(std::move(factors));
}

/// One more factor without a sign before it; an integer and a fraction of integers are a mixed number.
void Parser::parse_implicit_factor(std::vector<Expr>& factors, Shape& last) {
  if (at_differential()) return take_differential();
  const bool number = at(TokenKind::number);
  const bool after_literal = last == Shape::integer || last == Shape::number;
  if (number && after_literal) {
    if (last == Shape::integer && starts_plain_fraction()) {  // 1 1/2
      Expr numerator = parse_number().expr;
      ++next_;
      Expr fraction = make(Op::divide, std::move(numerator), parse_number().expr);
      factors.back() = make(Op::add, std::move(factors.back()), std::move(fraction));
      last = Shape::other;
      return;
    }
    if (!at(TokenKind::fraction, 1)) {  // 3 1\frac{1}{2} is a product
      fail("two numbers side by side");
      return;
    }
  }
  if (at(TokenKind::dots)) {
    unexpected("a factor");
    return;
  }
  Factor factor = parse_factor();
  if (last == Shape::integer && factor.shape == Shape::fraction) {
    factors.back() = make(Op::add, std::move(factors.back()), std::move(factor.expr));
    last = Shape::other;
    return;
  }
  factors.push_back(std::move(factor.expr));
  last = factor.shape;
}

/// n/m, both whole numbers, with a blank before it and no slash or power behind.
bool Parser::starts_plain_fraction() const {
  const auto whole = [](const Token& token) {
    return token.kind == TokenKind::number &&
           token.text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return peek().blank_before && whole(peek()) && at(TokenKind::slash, 1) && whole(peek(2));
}

bool Parser::starts_factor() const {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::number:
    case TokenKind::name:
    case TokenKind::function:
    case TokenKind::fraction:
    case TokenKind::root:
    case TokenKind::binomial:
    case TokenKind::sum:
    case TokenKind::integral:
    case TokenKind::limit:
    case TokenKind::accent:
    case TokenKind::box:
    case TokenKind::variable:
    case TokenKind::begin:
    case TokenKind::infinity:
    case TokenKind::empty_set:
    case TokenKind::number_set:
    case TokenKind::dots:
    case TokenKind::shape:
      return true;
    case TokenKind::letter:
      return !at_unit_letter();
    case TokenKind::open:
      // [a, b[ : the second one closes.
      if (token.code == bracket::kSquare && !brackets_.empty() &&
          (brackets_.back() == ']' || brackets_.back() == bracket::kSquare)) {
        return !(brackets_.back() == ']') && next_ + 1 < tokens_.size() && !at(TokenKind::end, 1) &&
               !at(TokenKind::comma, 1) && !at(TokenKind::cup, 1) && !at(TokenKind::close, 1);
      }
      return !(token.code == bracket::kRound && at(TokenKind::modulo, 1)) && !at_such_that();
    case TokenKind::bar:
      return bar_opens();
    default:
      return false;
  }
}

/// Whether the bar behind a value opens: it closes where the innermost bracket is one of its kind, but not
/// between the inner values of ||x||y||, and it is such-that in a set.
bool Parser::bar_opens() const {
  if (brackets_.empty()) return true;
  if (brackets_.back() == bracket::kSet) return false;
  if (brackets_.back() == bracket::kGroup && num_bars_left_ % 2 == 1) return false;  // {x | x > 1}
  if (brackets_.back() != static_cast<char>(peek().code)) return true;
  const bool behind_bar = tokens_[next_ - 1].kind == TokenKind::bar;
  const TokenKind next = peek(1).kind;
  return behind_bar && num_bars_left_ >= 3 && (next == TokenKind::letter || next == TokenKind::number);
}

}  // namespace reckon
