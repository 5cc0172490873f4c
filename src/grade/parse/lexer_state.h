#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "lexer.h"
#include "words.h"

namespace reckon {

/// Reads the text from left to right. numbers, signs and commands: lexer.cpp and lexer_commands.cpp; runs of
/// letters: lexer_words.cpp.
class Lexer {
 public:
  Lexer(std::string_view text, const ParseLimits& limits, Tokens& result);
  void run();

 private:
  enum class Side { none, left, right };  // of \left and \right, for the delimiter behind it

  // What stands where.
  [[nodiscard]] bool done() const { return at_ >= text_.size() || result_.refused; }
  [[nodiscard]] char char_at(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  [[nodiscard]] char peek(std::size_t ahead = 0) const { return char_at(at_ + ahead); }
  [[nodiscard]] bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  [[nodiscard]] std::size_t after_blanks(std::size_t at) const;
  [[nodiscard]] bool in_text() const { return text_depth_ > 0 && !dollar_in_text_; }
  [[nodiscard]] bool at_end_of_sentence() const { return at_ >= tail_; }
  [[nodiscard]] bool value_before() const;

  // Tokens.
  void emit(TokenKind kind, std::string_view text, std::uint8_t code = 0);
  void emit_here(TokenKind kind, std::size_t num_bytes, std::uint8_t code = 0);
  void emit_word(std::string_view word, WordClass word_class);
  void emit_bracket(TokenKind natural, char code, std::size_t num_bytes);
  void emit_bar(char code, std::size_t num_bytes);

  void read_one();
  void read_sign(char c);
  void read_relation_sign(char c);
  void read_dot();
  void read_star();
  void read_number();
  void read_exponent();
  void read_dollar();
  void open_brace();
  void close_brace();

  void read_backslash();
  void read_double_backslash();
  void read_command(const Command& command, std::size_t num_bytes);
  void read_denied_relation();
  void read_text_command();
  void read_environment(bool begins);
  void read_alphabet();
  void read_character();
  void skip_braces();
  [[nodiscard]] std::string_view braced() const;  // what stands in the braces here, without nested ones

  void read_letters();
  void read_text_word(std::string_view run);
  void read_math_word(std::string_view run);
  [[nodiscard]] bool read_known_word(std::string_view run);
  [[nodiscard]] bool read_known_function(std::string_view run);
  [[nodiscard]] bool read_unit(std::string_view run);
  [[nodiscard]] bool is_word(std::string_view run) const;
  [[nodiscard]] bool is_short_word(std::string_view run) const;
  [[nodiscard]] bool attached(std::string_view run) const;
  void split_letters(std::string_view run);

  std::string_view text_;
  const ParseLimits& limits_;
  Tokens& result_;
  std::size_t at_ = 0;
  std::size_t tail_ = 0;  // from here on the text has nothing but stops, commas and ends of markup
  bool blank_ = false;
  Side side_ = Side::none;
  std::vector<bool> braces_;  // open ones: whether they hold text
  int text_depth_ = 0;
  bool dollar_in_text_ = false;
  int matrix_depth_ = 0;
  bool doubled_ = false;     // every backslash of the answer is doubled
  bool money_left_ = false;  // a dollar sign without partner is still to come
};

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
[[nodiscard]] constexpr bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
[[nodiscard]] constexpr bool is_ascii_letter(char c) {
  return is_capital(c) || is_small(c);
}

}  // namespace reckon
