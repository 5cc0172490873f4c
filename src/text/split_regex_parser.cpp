#include <algorithm>
#include <string>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/one_line.h"
#include "reckon/text/utf8.h"
#include "regex_node.h"
#include "unicode.h"

namespace reckon {
namespace {

using Kind = RegexNode::Kind;
using Range = CodePointSet::Range;

constexpr int kMaxNesting = 50;
constexpr int kMaxRepeat = 1000;
constexpr std::size_t kMaxPatternBytes = 16384;
constexpr std::string_view kMeta = "\\|()[]{}.^$*+?";

CodePointSet one_character(char32_t code) {
  return CodePointSet({Range{code, code}});
}

bool is_ascii_letter(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

/// A set of ASCII characters and all that Oniguruma takes for equal to one of them without regard to case:
/// besides the other case, the long s U+017F and the Kelvin sign U+212A.
CodePointSet without_case(const CodePointSet& ascii) {
  std::vector<Range> ranges = ascii.ranges();
  for (char32_t lower = 'a'; lower <= 'z'; ++lower) {
    const char32_t upper = lower - 'a' + 'A';
    if (!ascii.contains(lower) && !ascii.contains(upper)) continue;
    ranges.push_back({lower, lower});
    ranges.push_back({upper, upper});
    if (lower == 's') ranges.push_back({0x17F, 0x17F});
    if (lower == 'k') ranges.push_back({0x212A, 0x212A});
  }
  return CodePointSet(std::move(ranges));
}

class RegexParser {
 public:
  RegexParser(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  RegexNode parse() {
    if (pattern_.size() > kMaxPatternBytes) {
      throw Error(ExitCode::bad_data, where_ + ": a pattern of " + std::to_string(pattern_.size()) +
                                          " bytes is not supported (need at most " +
                                          std::to_string(kMaxPatternBytes) + ")");
    }
    if (!is_utf8(pattern_)) throw Error(ExitCode::bad_data, where_ + ": the pattern is not UTF-8");
    RegexNode root = choice();
    if (!at_end()) refuse(at_, "\")\" without \"(\"");
    if (!look_aheads_are_last(root)) refuse(look_ahead_at_, "a look-ahead that something can follow");
    if (can_be_empty(root)) refuse(0, "what can match the empty string");
    return root;
  }

 private:
  [[noreturn]] void refuse(std::size_t position, const std::string& what) const {
    throw Error(ExitCode::bad_data, where_ + ": the pattern " + in_one_line(pattern_) +
                                        " is not supported: at byte " + std::to_string(position) +
                                        " it has " + in_one_line(what) + ".");
  }
  [[nodiscard]] bool at_end() const { return at_ == pattern_.size(); }
  [[nodiscard]] bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t take_character() {
    const Utf8Character character = utf8_character_at(pattern_, at_).value();
    at_ += character.num_bytes;
    return character.code_point;
  }

  RegexNode choice() {
    if (++nesting_ > kMaxNesting) refuse(at_, "groups nested deeper than " + std::to_string(kMaxNesting));
    RegexNode node = RegexNode::of(Kind::choice);
    do {
      node.children.push_back(sequence());
    } while (take("|"));
    --nesting_;
    return node.children.size() == 1 ? std::move(node.children[0]) : node;
  }

  RegexNode sequence() {
    RegexNode node = RegexNode::of(Kind::sequence);
    while (!at_end() && !next_is("|") && !next_is(")")) node.children.push_back(quantified());
    return node;
  }

  RegexNode quantified() {
    const std::size_t start = at_;
    RegexNode atom = this->atom();
    const std::size_t quantifier = at_;
    int min = 1;
    int max = 1;
    if (!take_quantifier(min, max)) return atom;
    if (atom.kind == Kind::not_before) refuse(quantifier, "a quantifier after a look-ahead");
    if (ignore_case_) refuse(quantifier, "a quantifier inside (?i:...)");
    if (can_be_empty(atom)) refuse(start, "a quantifier over what can be empty");
    int unused = 0;
    const std::size_t second = at_;
    if (take_quantifier(unused, unused)) {
      refuse(second, "a second quantifier: lazy and possessive ones are not supported");
    }
    RegexNode node = RegexNode::of(Kind::repeat);
    node.min = min;
    node.max = max;
    node.children.push_back(std::move(atom));
    return node;
  }

  bool take_quantifier(int& min, int& max) {
    if (take("?")) return min = 0, max = 1, true;
    if (take("*")) return min = 0, max = RegexNode::kNoMaximum, true;
    if (take("+")) return min = 1, max = RegexNode::kNoMaximum, true;
    if (!next_is("{")) return false;
    const std::size_t start = at_++;
    min = max = number(start);
    if (take(",")) max = next_is("}") ? RegexNode::kNoMaximum : number(start);
    if (!take("}")) refuse(start, "\"{\" without a number and \"}\"");
    if (max == 0 || (max != RegexNode::kNoMaximum && max < min)) {
      refuse(start, "a repetition whose maximum is 0 or less than its minimum");
    }
    return true;
  }

  int number(std::size_t start) {
    int value = 0;
    const std::size_t first = at_;
    while (!at_end() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMaxRepeat) refuse(start, "a repetition above " + std::to_string(kMaxRepeat));
    }
    if (at_ == first) refuse(start, "\"{\" without a number and \"}\"");
    return value;
  }

  RegexNode atom() {
    const std::size_t start = at_;
    if (take("(")) return group(start);
    CodePointSet set;
    if (take("[")) {
      set = bracket_class(start);
    } else if (take(".")) {
      set = one_character('\n').complement();
      if (ignore_case_) refuse(start, "\".\" inside (?i:...)");
    } else if (take("\\")) {
      char32_t code = 0;
      if (escape(Place::alone, start, set, code)) {
        set = literal(start, code);
      } else if (ignore_case_) {
        refuse(start, "a class escape inside (?i:...)");
      }
    } else if (kMeta.find(pattern_[at_]) != std::string_view::npos) {
      refuse(start, std::string("\"") + pattern_[at_] + "\"");
    } else {
      set = literal(start, take_character());
    }
    RegexNode node = RegexNode::of(Kind::set);
    node.set = std::move(set);
    return node;
  }

  CodePointSet literal(std::size_t start, char32_t code) {
    if (!ignore_case_) return one_character(code);
    if (code > 0x7F) refuse(start, "a character that is not ASCII inside (?i:...)");
    check_folding(start, code);
    return without_case(one_character(code));
  }

  /// Without regard to case "ss" is also U+00DF, and "st", "ff", "fi", "fl" are ligatures; one character of
  /// the text for two of the pattern is more than the automaton knows.
  void check_folding(std::size_t start, char32_t code) {
    if (start == folded_class_end_) refuse(start, "a character after a class inside (?i:...)");
    const char32_t lower = is_ascii_letter(code) ? code | 0x20u : code;
    if (start == folded_end_) {
      for (const char* pair : {"ss", "st", "ff", "fi", "fl"}) {
        if (folded_ == static_cast<char32_t>(pair[0]) && lower == static_cast<char32_t>(pair[1])) {
          refuse(start, std::string("\"") + pair + "\" inside (?i:...), which one character can match");
        }
      }
    }
    folded_ = lower;
    folded_end_ = at_;
  }

  RegexNode group(std::size_t start) {
    if (ignore_case_) refuse(start, "a group inside (?i:...)");
    if (take("?!")) return look_ahead(start);
    if (take("?i:")) {
      ignore_case_ = true;
    } else if (!take("?:") && next_is("?")) {
      refuse(start, "\"" + std::string(pattern_.substr(start, 4)) + "\", an unknown group");
    }
    RegexNode node = choice();
    ignore_case_ = false;
    if (!take(")")) refuse(start, "\"(\" without \")\"");
    return node;
  }

  RegexNode look_ahead(std::size_t start) {
    RegexNode inside = choice();
    while (inside.kind == Kind::sequence && inside.children.size() == 1) {
      RegexNode child = std::move(inside.children[0]);
      inside = std::move(child);
    }
    if (!take(")")) refuse(start, "\"(\" without \")\"");
    if (inside.kind != Kind::set) refuse(start, "a look-ahead at more than one class");
    look_ahead_at_ = start;
    inside.kind = Kind::not_before;
    return inside;
  }

  enum class Place { alone, in_class };
  static const CodePointSet& word(Place place) {
    return place == Place::in_class ? oniguruma_word() : oniguruma_bare_word();
  }

  /// Reads on after a backslash. \return whether it stands for one character; else it is a class.
  bool escape(Place place, std::size_t start, CodePointSet& set, char32_t& code) {
    if (at_end()) refuse(start, "a backslash at its end");
    code = take_character();
    switch (code) {
      case 'n':
        return code = '\n', true;
      case 'r':
        return code = '\r', true;
      case 't':
        return code = '\t', true;
      case 'f':
        return code = '\f', true;
      case 'v':
        return code = '\v', true;
      case 'a':
        return code = '\a', true;
      case 'e':
        return code = 0x1B, true;
      case 'x':
        return code = hexadecimal(start), true;
      case 'u':
        return code = hexadecimal_digits(start, 4), true;
      case 's':
        return set = white_space(), false;
      case 'S':
        return set = white_space().complement(), false;
      case 'w':
        return set = word(place), false;
      case 'W':
        return set = word(place).complement(), false;
      case 'd':
        return set = general_category("Nd").value(), false;
      case 'D':
        return set = general_category("Nd").value().complement(), false;
      case 'p':
        return set = property(start), false;
      case 'P':
        return set = property(start).complement(), false;
      default:
        break;
    }
    if (is_ascii_letter(code) || (code >= '0' && code <= '9')) {
      refuse(start, "\"\\" + std::string(1, static_cast<char>(code)) + "\", an unknown escape");
    }
    return true;
  }

  CodePointSet property(std::size_t start) {
    const std::size_t end = pattern_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) refuse(start, "\\p without {...}");
    const bool negated = take("^");
    const std::string name(pattern_.substr(at_, end - at_));
    const auto set = general_category(name);
    if (!set) refuse(start, "the property \"" + name + "\" (need a general category, like L or Lu)");
    at_ = end + 1;
    return negated ? set->complement() : *set;
  }

  char32_t hexadecimal(std::size_t start) {
    if (!take("{")) {
      const char32_t code = hexadecimal_digits(start, 2);
      if (code > 0x7F) refuse(start, "\\x of a byte that is not ASCII (need \\x{...})");
      return code;
    }
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos || end == at_ || end - at_ > 6)
      refuse(start, "\\x{ without digits and }");
    const char32_t code = hexadecimal_digits(start, end - at_);
    at_ = end + 1;
    return code;
  }

  char32_t hexadecimal_digits(std::size_t start, std::size_t count) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    char32_t code = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char digit = at_end() ? ' ' : static_cast<char>(pattern_[at_] | 0x20);
      const std::size_t value = kDigits.find(digit);
      if (at_end() || value == std::string_view::npos) refuse(start, "an escape without its digits");
      code = code * 16 + static_cast<char32_t>(value);
      ++at_;
    }
    if (code > kLastCodePoint || (code >= 0xD800 && code <= 0xDFFF)) refuse(start, "no character");
    return code;
  }

  CodePointSet bracket_class(std::size_t start) {
    const bool negated = take("^");
    std::vector<Range> ranges;
    CodePointSet set;
    bool is_first = true;
    while (!take("]")) {
      class_item(start, is_first, set, ranges);
      is_first = false;
    }
    set = set.united(CodePointSet(std::move(ranges)));
    if (is_first) refuse(start, "an empty class");
    if (ignore_case_) {
      if (negated || set.ranges().empty() || set.ranges().back().last > 0x7F) {
        refuse(start, "a class inside (?i:...) that is negated or not of ASCII characters");
      }
      if (start == folded_end_ || start == folded_class_end_) {
        refuse(start, "a class after other characters inside (?i:...)");
      }
      folded_class_end_ = at_;
      set = without_case(set);
    }
    return negated ? set.complement() : set;
  }

  void class_item(std::size_t start, bool is_first, CodePointSet& set, std::vector<Range>& ranges) {
    const std::size_t place = at_;
    if (at_end()) refuse(start, "\"[\" without \"]\"");
    if (next_is("[")) refuse(place, "\"[\" inside a class (need \\[)");
    if (next_is("&&")) refuse(place, "\"&&\" inside a class");
    char32_t first = 0;
    if (take("\\")) {
      CodePointSet escaped;
      if (!escape(Place::in_class, place, escaped, first)) {
        set = set.united(escaped);
        if (next_is("-") && !next_is("-]")) refuse(at_, "\"-\" after a class inside a class");
        return;
      }
    } else {
      first = take_character();
      if (first == '-' && !(is_first && !next_is("-")) && !next_is("]")) {
        refuse(place, "\"-\" that makes no range (need \\-)");
      }
    }
    if (!next_is("-") || next_is("-]")) {
      ranges.push_back({first, first});
      return;
    }
    take("-");
    char32_t last = 0;
    CodePointSet unused;
    if (at_end()) refuse(start, "\"[\" without \"]\"");
    if (next_is("[")) refuse(at_, "\"[\" inside a class (need \\[)");
    if (take("\\")) {
      if (!escape(Place::in_class, place, unused, last)) refuse(place, "a range that ends with a class");
    } else {
      last = take_character();
      if (last == '-') refuse(place, "\"-\" at the end of a range (need \\-)");
    }
    if (last < first) refuse(place, "a range whose end is before its beginning");
    ranges.push_back({first, last});
  }

  std::string_view pattern_;
  std::string where_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::size_t look_ahead_at_ = 0;  ///< the last one
  bool ignore_case_ = false;
  char32_t folded_ = 0;                               ///< the last literal inside (?i:...), in lower case
  std::size_t folded_end_ = std::string::npos;        ///< where it ends
  std::size_t folded_class_end_ = std::string::npos;  ///< where the last class inside (?i:...) ends
};

}  // namespace

RegexNode parse_regex(std::string_view pattern, std::string_view where) {
  return RegexParser(pattern, where).parse();
}

}  // namespace reckon
