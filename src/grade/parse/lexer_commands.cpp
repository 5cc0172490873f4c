#include <algorithm>
#include <array>

#include "expr.h"
#include "lexer_state.h"

namespace reckon {
namespace {

/// Environments whose body is the answer itself: nothing is seen of them but the ends of their rows.
bool is_wrapper(std::string_view name) {
  constexpr std::array<std::string_view, 14> kWrappers = {
      "align",    "aligned", "alignat",  "gather",      "gathered", "equation", "split",
      "multline", "center",  "eqnarray", "displaymath", "math",     "flalign",  "document"};
  return std::find(kWrappers.begin(), kWrappers.end(), name) != kWrappers.end();
}

bool is_matrix(std::string_view name) {
  constexpr std::array<std::string_view, 11> kMatrices = {"matrix",      "pmatrix", "bmatrix", "Bmatrix",
                                                          "vmatrix",     "Vmatrix", "array",   "cases",
                                                          "smallmatrix", "dcases",  "rcases"};
  return std::find(kMatrices.begin(), kMatrices.end(), name) != kMatrices.end();
}

}  // namespace

void Lexer::read_backslash() {
  const char next = peek(1);
  if (is_ascii_letter(next)) {
    std::size_t size = 1;
    while (is_ascii_letter(peek(size + 1))) ++size;
    const std::string_view name = text_.substr(at_ + 1, size);
    // \vertx is \vert x: one or two letters were glued to a command.
    for (std::size_t length = size; length >= 2 && length + 2 >= size; --length) {
      const Command* const command = find_command(name.substr(0, length));
      if (command != nullptr) return read_command(*command, length + 1);
    }
    return emit_here(TokenKind::other, size + 1);
  }
  switch (next) {
    case '\\':
      return read_double_backslash();
    case '(':
    case ')':
    case '[':
    case ']':
    case ',':
    case ';':
    case ':':
    case '>':
    case ' ':
      blank_ = true;
      at_ += 2;
      return;
    case '!':
    case '-':
    case '/':
      at_ += 2;
      return;
    case '{':
      return emit_bracket(TokenKind::open, bracket::kSet, 2);
    case '}':
      return emit_bracket(TokenKind::close, bracket::kSet, 2);
    case '|':
      return emit_bar(bracket::kNorm, 2);
    case '%':
      return emit_here(TokenKind::percent, 2);
    case '$':
      emit(TokenKind::money, "dollar");
      at_ += 2;
      return;
    case '&':
      return emit_here(TokenKind::word, 2, static_cast<std::uint8_t>(WordClass::conjunction));
    default:
      return emit_here(TokenKind::other, 1);
  }
}

/// The end of a row, or one backslash of an answer that was escaped once too often: \\frac. In a matrix a row
/// may begin with any command, so there it is the end of a row.
void Lexer::read_double_backslash() {
  const char next = peek(2);
  if (doubled_) {
    ++at_;
    if (here("\\\\\\")) {  // \\\\ is the end of a row
      emit_here(TokenKind::row_break, 3);
    }
    return;
  }
  if (matrix_depth_ == 0) {
    std::size_t size = 0;
    while (is_ascii_letter(peek(size + 2))) ++size;
    const bool command = size > 0 && find_command(text_.substr(at_ + 2, size)) != nullptr;
    if (command || (next != '\0' && std::string_view("()[]{}%$,;!|").find(next) != std::string_view::npos)) {
      ++at_;
      return;
    }
  }
  emit_here(TokenKind::row_break, 2);
  if (peek() == '[') {  // \\[4pt]
    constexpr std::size_t kLongest = 12;
    const std::string_view gap = text_.substr(at_, kLongest);
    const std::size_t close = gap.find(']');
    if (close != std::string_view::npos && gap.substr(0, close).ends_with('t')) at_ += close + 1;
  }
}

void Lexer::read_command(const Command& command, std::size_t num_bytes) {
  const std::string_view written = text_.substr(at_, num_bytes);
  switch (command.action) {
    case CommandAction::token:
      if (command.kind == TokenKind::bar) {
        return emit_bar(command.name == "Vert" ? bracket::kNorm : bracket::kBar, num_bytes);
      }
      at_ += num_bytes;
      if (command.kind == TokenKind::variable) {
        const std::string_view name = braced();
        const bool plain = !name.empty() && is_ascii_letter(name[0]) &&
                           std::all_of(name.begin(), name.end(),
                                       [](char c) { return is_ascii_letter(c) || is_digit(c) || c == '_'; });
        if (!plain) return;
        emit(TokenKind::variable, name);
        return skip_braces();
      }
      return emit(command.kind, command.text.empty() ? written : command.text, command.code);
    case CommandAction::skip:
      break;
    case CommandAction::blank:
      blank_ = true;
      break;
    case CommandAction::text:
      at_ += num_bytes;
      return read_text_command();
    case CommandAction::left:
    case CommandAction::right:
      side_ = command.action == CommandAction::left ? Side::left : Side::right;
      at_ = after_blanks(at_ + num_bytes);
      return;
    case CommandAction::begin:
    case CommandAction::end:
      at_ += num_bytes;
      return read_environment(command.action == CommandAction::begin);
    case CommandAction::alphabet:
      at_ += num_bytes;
      return read_alphabet();
    case CommandAction::character:
      at_ += num_bytes;
      return read_character();
    case CommandAction::skip_argument:
      at_ += num_bytes;
      return skip_braces();
    case CommandAction::negate:
      at_ += num_bytes;
      return read_denied_relation();
  }
  at_ += num_bytes;
}

/// \not= and \not\in; others have no node.
void Lexer::read_denied_relation() {
  at_ = after_blanks(at_);
  if (peek() == '=') return emit_here(TokenKind::relation, 1, static_cast<std::uint8_t>(Relation::not_equal));
  if (here("\\in") && !is_ascii_letter(peek(3))) {
    return emit_here(TokenKind::relation, 3, static_cast<std::uint8_t>(Relation::not_element));
  }
  emit(TokenKind::other, "\\not");
}

void Lexer::read_text_command() {
  if (peek() == '*') ++at_;
  const std::size_t brace = after_blanks(at_);
  if (char_at(brace) != '{') return;
  at_ = brace + 1;
  braces_.push_back(true);
  ++text_depth_;
}

std::string_view Lexer::braced() const {
  const std::size_t open = after_blanks(at_);
  if (char_at(open) != '{') return {};
  const std::size_t close = text_.find_first_of("{}", open + 1);
  if (char_at(close) != '}') return {};
  return text_.substr(open + 1, close - open - 1);
}

void Lexer::skip_braces() {
  const std::size_t open = after_blanks(at_);
  if (char_at(open) != '{') return;
  const std::size_t close = text_.find('}', open);
  at_ = close == std::string_view::npos ? text_.size() : close + 1;
}

void Lexer::read_environment(bool begins) {
  const std::string_view written = braced();
  std::string_view name = written;
  if (name.ends_with('*')) name.remove_suffix(1);
  if (is_wrapper(name)) {
    skip_braces();
    if (name == "alignat" && begins) skip_braces();
    blank_ = true;
    return;
  }
  if (!is_matrix(name)) return emit(TokenKind::other, written);
  skip_braces();
  emit(begins ? TokenKind::begin : TokenKind::finish, name);
  matrix_depth_ += begins ? 1 : -1;
  if (!begins || name != "array") return;
  if (char_at(after_blanks(at_)) == '[') at_ = std::min(text_.find(']', at_), text_.size() - 1) + 1;
  skip_braces();  // its columns: {cc}
}

void Lexer::read_alphabet() {
  std::string_view letter = braced();
  if (letter.empty()) {
    at_ = after_blanks(at_);
    letter = text_.substr(std::min(at_, text_.size()), 1);
    at_ += letter.size();
  } else {
    skip_braces();
  }
  const bool number_set =
      letter.size() == 1 && std::string_view("NZQRC").find(letter[0]) != std::string_view::npos;
  const bool letters = !letter.empty() && std::all_of(letter.begin(), letter.end(), is_ascii_letter);
  emit(number_set ? TokenKind::number_set : letters ? TokenKind::letter : TokenKind::other, letter);
}

/// \char"0190: a code point in hexadecimal digits. The open e stands for epsilon in some sources.
void Lexer::read_character() {
  std::uint32_t code = 0;
  if (peek() == '"') ++at_;
  for (; is_digit(peek()) || (peek() >= 'A' && peek() <= 'F'); ++at_) {
    code = (code << 4 | static_cast<std::uint32_t>(is_digit(peek()) ? peek() - '0' : peek() - 'A' + 10)) &
           0xFFFFFF;
  }
  const bool epsilon = code == 0x190 || code == 0x25B;
  emit(epsilon ? TokenKind::letter : TokenKind::other, epsilon ? "epsilon" : "\\char");
}

}  // namespace reckon
