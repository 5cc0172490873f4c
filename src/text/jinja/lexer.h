#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "value.h"

namespace reckon::jinja {

/// An error in the source of a template; Error(bad_data) is made of it where the file's name is known.
class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(int line, const std::string& message) : std::runtime_error(message), line_(line) {}
  [[nodiscard]] int line() const { return line_; }

 private:
  int line_;
};

enum class TokenKind {
  text,             ///< between the tags, white space control applied
  output_begin,     ///< {{
  output_end,       ///< }}
  statement_begin,  ///< {%
  statement_end,    ///< %}
  name,
  string,  ///< escapes resolved
  number,
  op,  ///< operator or bracket
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  int line = 0;
  std::string text;
  Value number;
};

/// The tokens of a template, ending with one of kind `end`. White space as with jinja2's trim_blocks,
/// lstrip_blocks and without keep_trailing_newline. \throws SyntaxError
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}  // namespace reckon::jinja
