#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ast.h"
#include "lexer.h"

namespace reckon::jinja {

/// Recursive descent over the tokens, with jinja2's grammar and precedences. Statements are read in
/// parser.cpp, expressions in expression_parser.cpp.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  /// \throws SyntaxError
  Statements parse();

 private:
  /// One level of nesting of expressions and blocks, while the object lives.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (parser_.levels_ >= kMaxLevels) parser_.fail_nesting();
      ++parser_.levels_;
    }
    ~Level() { --parser_.levels_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };
  static constexpr int kMaxLevels = 150;

  [[nodiscard]] const Token& token(std::size_t ahead = 0) const;
  Token take();
  [[nodiscard]] bool sees(TokenKind kind) const { return token().kind == kind; }
  [[nodiscard]] bool sees_op(std::string_view op) const;
  [[nodiscard]] bool sees_name(std::string_view name) const;
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  std::string expect_name();
  void expect_end_of_statement();
  [[noreturn]] void fail(int line, const std::string& message) const;
  [[noreturn]] void fail_expected(const std::string& what) const;
  [[noreturn]] void fail_nesting() const;
  [[nodiscard]] static std::string describe(const Token& token);

  // Statements
  using EndNames = std::initializer_list<std::string_view>;
  Statements parse_body(EndNames end_names, std::string_view opener, int opener_line);
  [[nodiscard]] bool at_end_name(EndNames end_names) const;
  Statement parse_piece();
  Statement parse_statement();
  [[noreturn]] void fail_statement(const Token& name) const;
  Statement parse_if(int line);
  Statement parse_for(int line);
  Statement parse_set(int line);
  Statement parse_macro(int line);
  Statement parse_filter_block(int line);
  Statement parse_with(int line);
  Statement parse_generation(int line);
  Statement parse_loop_control(int line, bool is_break);
  Target parse_target(bool allow_attribute);
  Target parse_single_target(bool allow_attribute);

  // Expressions
  ExpressionPtr parse_tuple_or_expression(bool with_conditional = true, bool in_parentheses = false);
  [[nodiscard]] bool at_tuple_end() const;
  ExpressionPtr parse_expression(bool with_conditional = true);
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  [[nodiscard]] bool take_relation(Relation& relation);
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_arithmetic(std::initializer_list<std::pair<std::string_view, Operator>> operators,
                                 ExpressionPtr (Parser::*operand)());
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_unary_with_filters() { return parse_unary(true); }
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr node);
  ExpressionPtr parse_subscript(ExpressionPtr object);
  ExpressionPtr parse_call(ExpressionPtr callee);
  CallArguments parse_call_arguments();
  ExpressionPtr parse_filters_and_tests(ExpressionPtr node);
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_filter_chain(ExpressionPtr input);
  ExpressionPtr parse_test(ExpressionPtr value);

  template <class Node>
  ExpressionPtr make(int line, int depth_below, Node node) const {
    if (depth_below >= kMaxLevels) fail_nesting();
    return std::make_unique<const Expression>(Expression{line, depth_below + 1, std::move(node)});
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int levels_ = 0;
  int loops_ = 0;          ///< for loops around whose body this is, within the innermost macro
  int loops_outside_ = 0;  ///< all for loops around
  std::vector<const std::vector<std::string>*> macros_;  ///< parameters of the macros around
};

}  // namespace reckon::jinja
