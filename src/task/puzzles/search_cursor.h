#pragma once

#include <string>
#include <string_view>

#include "reckon/grade/extract.h"

namespace reckon {

/// Reads an answer token by token. Blanks, tabs and line ends before a token mean nothing, nor does one full
/// stop behind the last, nor the case of letters: they are read as capitals. Every call takes time linear in
/// what it reads.
class SearchCursor {
 public:
  explicit SearchCursor(std::string_view answer) : text_(trim_blanks(answer)) {
    if (text_.ends_with('.')) text_.remove_suffix(1);
  }

  [[nodiscard]] bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  /// Takes the token, in capitals, if it comes next.
  bool take(std::string_view token) {
    skip_blanks();
    if (text_.size() - at_ < token.size()) return false;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (capital(text_[at_ + i]) != token[i]) return false;
    }
    at_ += token.size();
    return true;
  }
  /// The next character; 0 at the end.
  char next() {
    skip_blanks();
    return at_ < text_.size() ? capital(text_[at_++]) : '\0';
  }
  /// The next letters without blanks between them, at most 16; empty where there are none.
  std::string word() {
    skip_blanks();
    std::string letters;
    while (at_ < text_.size() && letters.size() < 16 && capital(text_[at_]) >= 'A' &&
           capital(text_[at_]) <= 'Z') {
      letters += capital(text_[at_++]);
    }
    return letters;
  }
  /// A number of at most four digits, no 0 before others; -1 where there is none.
  int number() {
    skip_blanks();
    const std::size_t begin = at_;
    int value = 0;
    while (at_ < text_.size() && at_ - begin < 4 && text_[at_] >= '0' && text_[at_] <= '9') {
      value = 10 * value + (text_[at_++] - '0');
    }
    const bool leading_zero = at_ - begin > 1 && text_[begin] == '0';
    return at_ == begin || leading_zero ? -1 : value;
  }
  /// Takes what stands between two items of a list: blanks, one comma, or both. \return whether an item must
  /// follow.
  bool take_separator() {
    const std::size_t begin = at_;
    if (at_end()) return false;
    if (text_[at_] == ',') {
      ++at_;
      return true;
    }
    return at_ > begin;
  }

 private:
  static char capital(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace reckon
