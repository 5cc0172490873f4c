#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parse_answer.h"
#include "token.h"
#include "words.h"

namespace reckon {

/// Builds the tree of an answer by recursive descent, each token read once. The levels, from the outside:
/// list, statement, relation, ratio, union, intersection, sum, term, factor, primary. After the first error
/// every token is `end`, so that all levels return; status() and reason() say what it was.
class Parser {
 public:
  Parser(std::vector<Token>& tokens, Comma comma, const ParseLimits& limits)
      : tokens_(tokens), comma_(comma), limits_(limits) {
    for (const Token& token : tokens) num_bars_left_ += token.kind == TokenKind::bar ? 1 : 0;
  }

  /// The whole answer.
  Expr parse_whole();

  [[nodiscard]] ParseStatus status() const { return status_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  // Tokens (parser.cpp).
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  [[nodiscard]] bool at(TokenKind kind, std::size_t ahead = 0) const { return peek(ahead).kind == kind; }
  [[nodiscard]] bool at_open(char bracket, std::size_t ahead = 0) const;
  [[nodiscard]] bool at_close(char bracket, std::size_t ahead = 0) const;
  [[nodiscard]] bool at_word(WordClass word_class, std::size_t ahead = 0) const;
  [[nodiscard]] bool at_letter(std::string_view name, std::size_t ahead = 0) const;
  Token take();
  bool accept(TokenKind kind);
  bool accept_close(char bracket);

  // Errors.
  [[nodiscard]] bool ok() const { return status_ == ParseStatus::ok; }
  Expr fail(std::string reason);
  Expr refuse(std::string reason);
  Expr unexpected(std::string_view wanted);

  /// One level deeper while it lives.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) { parser.enter(); }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };
  void enter();

  // Lists (lists.cpp).
  struct Members {
    std::vector<Expr> members;
    std::vector<std::size_t> part_ends;  ///< ends of the parts between semicolons
    bool semicolons = false;
    bool conjunction = false;  ///< some were joined by the word and
    bool disjunction = false;  ///< ... or
    bool all_groups = true;    ///< each was written {x}
  };
  Members parse_members();
  bool accept_separator(Members& members);
  Expr join(Members&& members);
  Expr parse_boxes(bool& found);
  [[nodiscard]] bool boxes_stand_alone() const;

  // Statements (statements.cpp).
  Expr parse_statement();
  Expr parse_disjunction();
  Expr parse_conjunction();
  Expr parse_negation();
  Expr parse_relation();
  [[nodiscard]] bool at_relation();
  Expr parse_modulus(Expr&& value);
  Expr parse_ratio();
  Expr parse_union();
  Expr parse_intersection();
  [[nodiscard]] bool at_union_letter(const Expr& left) const;
  Expr as_set(Expr&& expr, std::size_t start);

  // Arithmetic (arithmetic.cpp).
  enum class Shape : std::uint8_t { other, integer, number, fraction };  ///< literals, for mixed numbers
  struct Factor {
    Expr expr;
    Shape shape = Shape::other;
  };
  Expr parse_sum();
  Expr parse_signed_term();
  Expr parse_term(std::vector<TokenKind>&& signs);
  Expr parse_glued_letters(Expr&& number);
  void parse_implicit_factor(std::vector<Expr>& factors, Shape& last);
  Expr parse_signed_factor(Shape* shape = nullptr);
  std::vector<TokenKind> take_signs();
  [[nodiscard]] bool starts_factor() const;
  [[nodiscard]] bool starts_plain_fraction() const;
  [[nodiscard]] bool bar_opens() const;

  // Factors (factors.cpp).
  Expr parse_factorials(Expr&& operand);
  Factor parse_factor();
  Expr parse_power(Expr&& base);
  Expr parse_exponent();
  Expr parse_degrees(Expr&& value);
  Expr parse_subscript(Expr&& base, std::size_t start);
  [[nodiscard]] std::string subscript_text();
  Expr parse_call(Expr&& callee);
  [[nodiscard]] bool at_call(const Expr& callee) const;
  Factor parse_primary();
  Factor parse_other_primary();
  Expr parse_money();
  Expr parse_letter();
  Expr parse_shape();
  Expr parse_accent();
  Expr parse_variable();
  Expr parse_prescript();

  // Numbers (numbers.cpp).
  Factor parse_number();
  std::string_view take_groups(std::string& joined);
  [[nodiscard]] std::size_t group_end() const;
  Expr number_of(std::string_view written);
  Expr parse_repeating(std::string_view written);
  bool parse_high_base(std::string_view written, Expr& result);
  Expr parse_number_words();
  void parse_magnitude(Expr& number);
  Expr based_number(std::string digits);

  // Fractions, roots, binomials, brackets (brackets.cpp).
  Factor parse_fraction();
  Expr parse_argument(bool one_digit);
  Expr parse_root();
  Expr parse_bracket();
  Expr finish_bracket(char open, Members&& members, std::size_t start);
  [[nodiscard]] bool at_such_that() const;
  Expr parse_set_builder(Members&& members);
  Expr parse_reversed_interval();
  Expr parse_bar();
  Members parse_bracket_members(char& open, char& close);
  char take_close(char open);
  Expr parse_group_operator(Members&& members);

  // Functions (functions.cpp).
  Expr parse_function();
  Expr parse_function_of_several(const Token& function);
  Expr parse_function_argument(Op op);
  Expr parse_open_argument(Op op);
  [[nodiscard]] bool continues_argument(bool numbers_only, bool trigonometric) const;

  // Calculus (calculus.cpp).
  Expr parse_sum_sign();
  Expr parse_integral();
  Expr parse_limit();
  [[nodiscard]] bool at_derivative() const;
  Expr parse_derivative();
  [[nodiscard]] bool at_differential() const;
  void take_differential();
  struct Bounds {
    Expr low, high;
    bool has_low = false, has_high = false;
  };
  Bounds parse_bounds();

  // Matrices and piecewise values (matrices.cpp).
  Expr parse_environment();
  Expr parse_matrix(std::string_view name);
  Expr parse_cases();
  bool accept_condition_word();

  // Units and words (quantities.cpp).
  [[nodiscard]] bool at_unit() const;
  [[nodiscard]] bool at_unit_letter() const;
  void parse_unit(Expr& value);
  std::string parse_unit_factor(bool first);
  std::string parse_unit_power();
  [[nodiscard]] bool at_text() const;
  Expr parse_text();

  struct Differential {
    bool found = false;
    std::string variable;
  };
  struct Side {
    std::string name;
  };

  std::vector<Token>& tokens_;
  const Comma comma_;
  const ParseLimits& limits_;
  std::size_t next_ = 0;
  int depth_ = 0;
  ParseStatus status_ = ParseStatus::ok;
  std::string reason_;

  std::vector<char> brackets_;            // open ones, the innermost last
  int num_bars_left_ = 0;                 // tokens | from here on
  int num_list_brackets_ = 0;             // of them, those in which a comma separates
  bool in_matrix_ = false;                // & and \\ belong to a matrix
  bool ratio_allowed_ = true;             // a colon is none in {x : ...}
  std::size_t group_start_ = 0;           // the last {x} of one member, from its brace ...
  std::size_t group_end_ = 0;             // ... to behind the other
  std::size_t parenthesis_end_ = 0;       // behind the last (x) of one member
  Differential* differential_ = nullptr;  // of the innermost integral
  Side* side_ = nullptr;                  // of the target of a limit
};

// Makers of trees (trees.cpp).
[[nodiscard]] Expr make(Op op, std::vector<Expr>&& args = {});
[[nodiscard]] Expr make(Op op, Expr&& arg);
[[nodiscard]] Expr make(Op op, Expr&& first, Expr&& second);
[[nodiscard]] Expr make_symbol(std::string name);
[[nodiscard]] Expr make_text(std::string name);
[[nodiscard]] Expr make_integer(std::uint64_t value);
/// The product; a set or sequence of one, \{x + 1\} or [x + 1], is a bracket where it is a factor.
[[nodiscard]] Expr make_product(std::vector<Expr>&& factors);
[[nodiscard]] Expr without_bracket(Expr&& expr);
[[nodiscard]] bool is_set_like(const Expr& expr);
[[nodiscard]] bool is_plain_integer(const Expr& expr);
/// Makes i a symbol.
void rename_imaginary(Expr& expr);
/// Levels of the tree, counted up to `limit` + 1.
[[nodiscard]] int height(const Expr& expr, int limit);
/// Words as one line: small letters, single blanks, without a full stop at the end.
[[nodiscard]] std::string folded_text(const Token* first, const Token* last);

}  // namespace reckon
