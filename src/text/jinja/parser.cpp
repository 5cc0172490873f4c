#include "parser.h"

#include <algorithm>

namespace reckon::jinja {

const Token& Parser::token(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token Parser::take() {
  const Token taken = token();
  if (at_ + 1 < tokens_.size()) ++at_;
  return taken;
}

bool Parser::sees_op(std::string_view op) const {
  return token().kind == TokenKind::op && token().text == op;
}
bool Parser::sees_name(std::string_view name) const {
  return token().kind == TokenKind::name && token().text == name;
}
bool Parser::skip_op(std::string_view op) {
  if (!sees_op(op)) return false;
  take();
  return true;
}
bool Parser::skip_name(std::string_view name) {
  if (!sees_name(name)) return false;
  take();
  return true;
}
void Parser::expect_op(std::string_view op) {
  if (!skip_op(op)) fail_expected("'" + std::string(op) + "'");
}
std::string Parser::expect_name() {
  if (!sees(TokenKind::name)) fail_expected("a name");
  return take().text;
}
void Parser::expect_end_of_statement() {
  if (!sees(TokenKind::statement_end)) fail_expected("'%}'");
  take();
}

void Parser::fail(int line, const std::string& message) const {
  throw SyntaxError(line, message);
}
void Parser::fail_expected(const std::string& what) const {
  fail(token().line, "expected " + what + ", found " + describe(token()));
}
void Parser::fail_nesting() const {
  fail(token().line,
       "expressions or blocks are nested deeper than " + std::to_string(kMaxLevels) + " levels");
}

std::string Parser::describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::text:
      return "text";
    case TokenKind::string:
      return "a string";
    case TokenKind::end:
      return "the end of the template";
    default:
      return "'" + token.text + "'";
  }
}

Statements Parser::parse() {
  Statements body;
  while (!sees(TokenKind::end)) body.push_back(parse_piece());
  return body;
}

/// Text, an output or a statement.
Statement Parser::parse_piece() {
  const int line = token().line;
  if (sees(TokenKind::text)) return {line, Text{take().text}};
  if (sees(TokenKind::output_begin)) {
    take();
    ExpressionPtr value = parse_tuple_or_expression();
    if (!sees(TokenKind::output_end)) fail_expected("'}}'");
    take();
    return {line, Output{std::move(value)}};
  }
  take();
  Statement statement = parse_statement();
  expect_end_of_statement();
  return statement;
}

bool Parser::at_end_name(EndNames end_names) const {
  return sees(TokenKind::statement_begin) && token(1).kind == TokenKind::name &&
         std::find(end_names.begin(), end_names.end(), token(1).text) != end_names.end();
}

/// The end of the opening tag, and what follows up to a tag of one of the names, which becomes the current
/// token.
Statements Parser::parse_body(EndNames end_names, std::string_view opener, int opener_line) {
  const Level level(*this);
  skip_op(":");
  expect_end_of_statement();
  Statements body;
  while (!at_end_name(end_names)) {
    if (sees(TokenKind::end)) {
      fail(token().line, "the template ends inside '" + std::string(opener) + "' of line " +
                             std::to_string(opener_line) + " (need {% " +
                             std::string(*(end_names.end() - 1)) + " %})");
    }
    body.push_back(parse_piece());
  }
  take();
  return body;
}

Statement Parser::parse_statement() {
  const Token name = token();
  if (name.kind != TokenKind::name) fail_expected("the name of a statement");
  take();
  if (name.text == "if") return parse_if(name.line);
  if (name.text == "for") return parse_for(name.line);
  if (name.text == "set") return parse_set(name.line);
  if (name.text == "macro") return parse_macro(name.line);
  if (name.text == "filter") return parse_filter_block(name.line);
  if (name.text == "with") return parse_with(name.line);
  if (name.text == "generation") return parse_generation(name.line);
  if (name.text == "break" || name.text == "continue")
    return parse_loop_control(name.line, name.text == "break");
  fail_statement(name);
}

void Parser::fail_statement(const Token& name) const {
  static constexpr std::string_view kOthers[] = {"elif",     "else",      "endfor",  "endif",        "endset",
                                                 "endmacro", "endfilter", "endwith", "endgeneration"};
  if (std::find(std::begin(kOthers), std::end(kOthers), name.text) != std::end(kOthers)) {
    fail(name.line, "'" + name.text + "' closes nothing that is open here");
  }
  fail(name.line, "there is no statement '" + name.text + "', or it is not supported");
}

Statement Parser::parse_if(int line) {
  If node;
  while (true) {
    ExpressionPtr test = parse_tuple_or_expression(false);
    Statements body = parse_body({"elif", "else", "endif"}, "if", line);
    node.branches.emplace_back(std::move(test), std::move(body));
    const std::string end = take().text;
    if (end == "elif") continue;
    if (end == "else") {
      node.otherwise = parse_body({"endif"}, "if", line);
      take();
    }
    return {line, std::move(node)};
  }
}

Statement Parser::parse_for(int line) {
  For node;
  ++loops_outside_;
  node.target = parse_target(false);
  if (!skip_name("in")) fail_expected("'in'");
  node.iterable = parse_tuple_or_expression(false);
  if (skip_name("if")) node.condition = parse_expression();
  if (sees_name("recursive")) fail(line, "'recursive' loops are not supported");
  ++loops_;
  node.body = parse_body({"else", "endfor"}, "for", line);
  --loops_;
  if (take().text == "else") {
    node.otherwise = parse_body({"endfor"}, "for", line);
    take();
  }
  --loops_outside_;
  return {line, std::move(node)};
}

Statement Parser::parse_set(int line) {
  Target target = parse_target(true);
  if (skip_op("=")) return {line, Set{std::move(target), parse_tuple_or_expression()}};
  ExpressionPtr filters = parse_filter_chain(nullptr);
  Statements body = parse_body({"endset"}, "set", line);
  take();
  return {line, SetBlock{std::move(target), std::move(filters), std::move(body)}};
}

Statement Parser::parse_macro(int line) {
  auto macro = std::make_shared<Macro>();
  macro->name = expect_name();
  expect_op("(");
  while (!sees_op(")")) {
    if (!macro->parameters.empty()) expect_op(",");
    macro->parameters.push_back(expect_name());
    if (skip_op("=")) {
      macro->defaults.push_back(parse_expression());
    } else if (!macro->defaults.empty()) {
      fail(token().line, "a parameter without a default follows one that has a default");
    }
  }
  expect_op(")");
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(&macro->parameters);
  macro->body = parse_body({"endmacro"}, "macro", line);
  macros_.pop_back();
  loops_ = loops;
  take();
  return {line, std::shared_ptr<const Macro>(std::move(macro))};
}

Statement Parser::parse_filter_block(int line) {
  ExpressionPtr filters = parse_filter_chain(parse_filter(nullptr));
  Statements body = parse_body({"endfilter"}, "filter", line);
  take();
  return {line, FilterBlock{std::move(filters), std::move(body)}};
}

Statement Parser::parse_with(int line) {
  With node;
  while (!sees(TokenKind::statement_end)) {
    if (!node.assignments.empty()) expect_op(",");
    Target target = parse_single_target(false);
    expect_op("=");
    node.assignments.emplace_back(std::move(target), parse_expression());
  }
  node.body = parse_body({"endwith"}, "with", line);
  take();
  return {line, std::move(node)};
}

Statement Parser::parse_generation(int line) {
  const int loops = std::exchange(loops_, 0);  // its body is a function of its own in jinja2
  Generation node{parse_body({"endgeneration"}, "generation", line)};
  loops_ = loops;
  take();
  return {line, std::move(node)};
}

Statement Parser::parse_loop_control(int line, bool is_break) {
  if (loops_ == 0)
    fail(line, std::string("'") + (is_break ? "break" : "continue") + "' stands outside a loop");
  if (is_break) return {line, Break{}};
  return {line, Continue{}};
}

Target Parser::parse_single_target(bool allow_attribute) {
  Target target;
  target.line = token().line;
  if (skip_op("(")) {
    const Level level(*this);
    target = parse_target(allow_attribute);
    expect_op(")");
    return target;
  }
  target.name = expect_name();
  static constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
  const bool is_constant =
      std::find(std::begin(kConstants), std::end(kConstants), target.name) != std::end(kConstants);
  if (is_constant) fail(target.line, "the constant '" + target.name + "' cannot be assigned to");
  if (allow_attribute && skip_op(".")) {
    target.attribute = expect_name();
  } else if (loops_outside_ > 0 && target.name == "loop") {
    fail(target.line, "the variable 'loop' cannot be assigned to inside a loop");
  }
  return target;
}

/// One target, or several with commas between them.
Target Parser::parse_target(bool allow_attribute) {
  Target first = parse_single_target(allow_attribute);
  if (!sees_op(",")) return first;
  Target tuple;
  tuple.line = first.line;
  tuple.is_tuple = true;
  tuple.parts.push_back(std::move(first));
  while (skip_op(",")) {
    if (at_tuple_end()) break;
    tuple.parts.push_back(parse_single_target(allow_attribute));
  }
  return tuple;
}

}  // namespace reckon::jinja
