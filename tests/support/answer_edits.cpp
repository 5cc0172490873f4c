#include "support/answer_edits.h"

#include <algorithm>

namespace reckon::testing {
namespace {

/// Whether brackets of any kind open and close in order, and none belongs to a command.
bool has_plain_brackets(std::string_view text) {
  for (const std::string_view command : {"\\left", "\\text", "\\begin", "\\sqrt[", "\\{"}) {
    if (text.find(command) != std::string_view::npos) return false;
  }
  int depth = 0;
  bool any = false;
  for (const char c : text) {
    depth += c == '(' || c == '[' ? 1 : 0;
    depth -= c == ')' || c == ']' ? 1 : 0;
    any = any || c == '(' || c == '[';
    if (depth < 0) return false;
  }
  return any && depth == 0;
}

std::string with_left_and_right(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '(' || c == '[') result += "\\left";
    if (c == ')' || c == ']') result += "\\right";
    result += c;
  }
  return result;
}

std::string with_blanks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool is_operator = c == '+' || c == '-' || c == '=' || c == '<' || c == '>';
    if (is_operator) result += ' ';
    result += c;
    if (is_operator || c == '(' || c == '[') result += ' ';
  }
  return result;
}

std::string with_command(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with(from)) {
      result += to;
      text.remove_prefix(from.size());
    } else {
      result += text[0];
      text.remove_prefix(1);
    }
  }
  return result;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

char other_digit(char digit, RandomStream& random) {
  return static_cast<char>('0' + (digit - '0' + 1 + static_cast<int>(random.below(9))) % 10);
}

/// Another letter, whatever the case; none of d, e, i, j, which have meanings of their own.
char other_letter(char letter, RandomStream& random) {
  constexpr std::string_view kLetters = "xyznkabt";
  for (;;) {
    const char other = kLetters[random.below(kLetters.size())];
    if (other != lower(letter)) return other;
  }
}

/// Which bytes of LaTeX are letters of a name or of words, not of a command or an environment.
std::vector<bool> plain_letters(std::string_view text) {
  std::vector<bool> plain(text.size(), false);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain[i] = is_letter(text[i]);
      continue;
    }
    const std::size_t begin = ++i;
    while (i < text.size() && is_letter(text[i])) ++i;
    const std::string_view command = text.substr(begin, i - begin);
    if (command == "begin" || command == "end") i = std::min(text.find('}', i), text.size() - 1);
    if (i > begin) --i;  // the loop steps on
  }
  return plain;
}

std::string with_byte(std::string_view text, std::size_t at, char byte) {
  std::string result(text);
  result[at] = byte;
  return result;
}

char flipped_bracket(char c) {
  switch (c) {
    case '(':
      return '[';
    case '[':
      return '(';
    case ')':
      return ']';
    case ']':
      return ')';
    default:
      return c;
  }
}

/// The text with a sign put in front, or the one there taken away; empty where the sign would change nothing
/// or stand before words.
std::string with_other_sign_in_front(std::string_view text) {
  if (text.starts_with('-')) return std::string(text.substr(1));
  if (text == "0" || text.find("\\pm") != std::string_view::npos || text.starts_with("\\text")) return {};
  return "-" + std::string(text);
}

}  // namespace

std::vector<std::string> respelled(std::string_view view) {
  const std::string text(view);
  std::vector<std::string> ways = {"$" + text + "$", "\\boxed{" + text + "}", "\\( " + text + " \\)",
                                   " " + text + " \n"};
  const bool has_words = text.find("\\text") != std::string::npos;
  // A blank within the brackets of \sqrt[3] or an environment's name would be another thing to test.
  if (!has_words && text.find("\\sqrt[") == std::string::npos) ways.push_back(with_blanks(text));
  if (text.find("\\frac") != std::string::npos) {
    ways.push_back(with_command(text, "\\frac", "\\dfrac"));
    ways.push_back(with_command(text, "\\frac", "\\tfrac"));
  }
  if (has_plain_brackets(text)) ways.push_back(with_left_and_right(text));
  return ways;
}

const char* name_of(EditKind kind) {
  switch (kind) {
    case EditKind::digit:
      return "digit";
    case EditKind::sign:
      return "sign";
    case EditKind::letter:
      return "letter";
    case EditKind::bracket:
      break;
  }
  return "bracket";
}

std::vector<std::string> edited(std::string_view text, EditKind kind, RandomStream& random) {
  std::vector<std::string> edits;
  const std::vector<bool> letters = plain_letters(text);
  if (kind == EditKind::sign) {
    std::string signed_text = with_other_sign_in_front(text);
    if (!signed_text.empty()) edits.push_back(std::move(signed_text));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (kind == EditKind::digit && c >= '0' && c <= '9') {
      edits.push_back(with_byte(text, i, other_digit(c, random)));
    } else if (kind == EditKind::sign && (c == '+' || (c == '-' && i > 0))) {
      edits.push_back(with_byte(text, i, c == '+' ? '-' : '+'));
    } else if (kind == EditKind::letter && letters[i]) {
      edits.push_back(with_byte(text, i, other_letter(c, random)));
    } else if (kind == EditKind::bracket && flipped_bracket(c) != c) {
      edits.push_back(with_byte(text, i, flipped_bracket(c)));
    }
  }
  return edits;
}

}  // namespace reckon::testing
