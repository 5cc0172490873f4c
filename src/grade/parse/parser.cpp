#include "parser.h"

namespace reckon {
namespace {

const Token kEnd{TokenKind::end, 0, true, false, {}};

}  // namespace

const Token& Parser::peek(std::size_t ahead) const {
  if (!ok() || next_ + ahead >= tokens_.size()) return kEnd;
  return tokens_[next_ + ahead];
}

bool Parser::at_open(char bracket, std::size_t ahead) const {
  return at(TokenKind::open, ahead) && peek(ahead).code == static_cast<std::uint8_t>(bracket);
}

bool Parser::at_close(char bracket, std::size_t ahead) const {
  return at(TokenKind::close, ahead) && peek(ahead).code == static_cast<std::uint8_t>(bracket);
}

bool Parser::at_word(WordClass word_class, std::size_t ahead) const {
  return at(TokenKind::word, ahead) && peek(ahead).code == static_cast<std::uint8_t>(word_class);
}

bool Parser::at_letter(std::string_view name, std::size_t ahead) const {
  return at(TokenKind::letter, ahead) && peek(ahead).text == name;
}

Token Parser::take() {
  const Token token = peek();
  if (token.kind != TokenKind::end) ++next_;
  if (token.kind == TokenKind::bar) --num_bars_left_;
  return token;
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind)) return false;
  ++next_;
  return true;
}

bool Parser::accept_close(char bracket) {
  if (!at_close(bracket)) return false;
  ++next_;
  return true;
}

Expr Parser::fail(std::string reason) {
  if (ok()) {
    status_ = ParseStatus::malformed;
    reason_ = std::move(reason);
  }
  return {};
}

Expr Parser::refuse(std::string reason) {
  if (status_ != ParseStatus::refused) {
    status_ = ParseStatus::refused;
    reason_ = std::move(reason);
  }
  return {};
}

Expr Parser::unexpected(std::string_view wanted) {
  const Token& token = peek();
  const std::string found = token.kind == TokenKind::end ? "the end" : "\"" + std::string(token.text) + "\"";
  return fail(found + " where " + std::string(wanted) + " should be");
}

void Parser::enter() {
  if (++depth_ > limits_.max_depth) {
    refuse("nested deeper than " + std::to_string(limits_.max_depth));
  }
}

Expr Parser::parse_whole() {
  if (at(TokenKind::relation) && peek().code == static_cast<std::uint8_t>(Relation::equal)) ++next_;  // = 5
  bool boxes = false;
  Expr result = parse_boxes(boxes);
  if (!boxes) {
    const std::size_t start = next_;
    Members members = parse_members();
    const bool infix = at(TokenKind::choose) || at(TokenKind::over);  // n \choose k
    result = infix ? parse_group_operator(std::move(members)) : join(std::move(members));
    if (ok() && !at(TokenKind::end)) return unexpected("the end");
    // Nobody puts a matrix into braces for grouping: {\begin{matrix}...} is a set.
    if (result.op == Op::matrix && group_start_ == start && group_end_ == next_) {
      result = make(Op::set, std::move(result));
    }
  }
  if (ok() && height(result, limits_.max_depth) > limits_.max_depth) {
    refuse("a tree of more than " + std::to_string(limits_.max_depth) + " levels");
  }
  return result;
}

}  // namespace reckon
