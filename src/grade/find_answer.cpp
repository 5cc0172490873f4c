#include "reckon/grade/find_answer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "boxes.h"
#include "parse_answer.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxScanned = std::size_t{64} << 10;
constexpr std::size_t kNone = std::string_view::npos;
/// Boxes further apart than this are different answers; a list's members are parted by a comma or a word.
constexpr std::size_t kMaxBoxGap = 70;
constexpr std::size_t kMaxBareBoxGap = 10;
/// A text of more words is no answer by itself: "odd", "not enough information".
constexpr std::ptrdiff_t kMaxAnswerWords = 3;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The last place of lower-case words in a text, whatever its case.
std::size_t find_last(std::string_view text, std::string_view words) {
  const auto found = std::find_end(text.begin(), text.end(), words.begin(), words.end(),
                                   [](char a, char b) { return lower(a) == b; });
  return found == text.end() ? kNone : static_cast<std::size_t>(found - text.begin());
}

/// Whether two letters stand together that are no command of LaTeX.
bool has_words(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const bool is_command = text[i] == '\\';
    std::size_t end = i + (is_command ? 1 : 0);
    while (end < text.size() && lower(text[end]) >= 'a' && lower(text[end]) <= 'z') ++end;
    if (!is_command && end - i >= 2) return true;
    i = std::max(end, i + 1);
  }
  return false;
}

/// Whether words stand in the tree that are more than a name, a unit or a short answer.
bool has_prose(const Expr& expr) {
  if (expr.op == Op::text && std::count(expr.name.begin(), expr.name.end(), ' ') >= kMaxAnswerWords)
    return true;
  return std::any_of(expr.args.begin(), expr.args.end(), has_prose);
}

enum class Words { allowed, refused };

/// Whether a text is an answer as it stands; with Words::refused one of more than words.
bool is_answer(std::string_view text, Words words) {
  const ParsedAnswer parsed = parse_answer(text);
  if (parsed.status != ParseStatus::ok || has_prose(parsed.expr)) return false;
  return words == Words::allowed || parsed.expr.op != Op::text;
}

bool parts_members(std::string_view gap) {
  if (gap.find(". ") != kNone || gap.find("\n\n") != kNone || gap.size() > kMaxBoxGap) return false;
  const bool has_word = find_last(gap, "and") != kNone || find_last(gap, " or ") != kNone;
  return gap.size() < kMaxBareBoxGap || has_word || gap.find(',') != kNone || gap.find(';') != kNone;
}

/// The last box, with those right before it that belong to the same list.
std::optional<std::string> boxed_answer(std::string_view text) {
  const std::vector<Box> boxes = find_boxes(text, DoubledBackslash::begins_command);
  if (boxes.empty()) return std::nullopt;
  std::size_t first = boxes.size() - 1;
  while (first > 0 &&
         parts_members(text.substr(boxes[first - 1].end, boxes[first].begin - boxes[first - 1].end))) {
    --first;
  }
  std::string joined;
  std::string_view before;
  for (; first < boxes.size(); ++first) {
    const std::string_view content = trim_blanks(boxes[first].content);
    if (content == before) continue;
    joined.append(joined.empty() ? "" : ", ").append(content);
    before = content;
  }
  return joined;
}

struct Span {
  std::size_t begin = kNone;  // kNone where there is none
  std::size_t end = 0;
};

/// The content of the last formula: $..$, $$..$$, \(..\), \[..\].
Span last_formula(std::string_view text) {
  Span last;
  std::size_t open = kNone;  // behind an opening delimiter
  char closer = 0;           // $ or the bracket
  for (std::size_t i = 0; i + 1 <= text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const char next = text[++i];
      if (closer == 0 && (next == '(' || next == '[')) {
        closer = next == '(' ? ')' : ']';
        open = i + 1;
      } else if (closer == next && closer != '$') {
        last = {open, i - 1};
        closer = 0;
      }
    } else if (text[i] == '$') {
      const std::size_t width = i + 1 < text.size() && text[i + 1] == '$' ? 2 : 1;
      if (closer == '$') {
        if (i > open) last = {open, i};
        closer = 0;
      } else if (closer == 0) {
        closer = '$';
        open = i + width;
      }
      i += width - 1;
    }
  }
  return last;
}

/// The last number written in digits: -1,234.5, 2/3, 18%.
std::string_view last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  if (end == 0) return {};
  std::size_t begin = end;
  const auto joins = [](char c) { return c == ',' || c == '.' || c == '/'; };
  while (begin > 0 &&
         (is_digit(text[begin - 1]) || (joins(text[begin - 1]) && begin > 1 && is_digit(text[begin - 2])))) {
    --begin;
  }
  const bool has_sign = begin > 0 && text[begin - 1] == '-' &&
                        (begin == 1 || !(is_digit(text[begin - 2]) || text[begin - 2] == ')'));
  if (has_sign) --begin;
  if (end < text.size() && text[end] == '%') ++end;
  return text.substr(begin, end - begin);
}

std::string text_of(std::string_view text, Span span) {
  return std::string(trim_blanks(text.substr(span.begin, span.end - span.begin)));
}

/// The end of the sentence that begins a text: a full stop before a blank or the end, or the end of the line.
std::string_view first_sentence(std::string_view text) {
  bool in_formula = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$') in_formula = !in_formula;
    const bool is_end = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n';
    if (text[i] == '.' && is_end && !in_formula) return text.substr(0, i);
    if (text[i] == '\n' && i > 0 && !in_formula && !trim_blanks(text.substr(0, i)).empty())
      return text.substr(0, i);
  }
  return text;
}

std::string_view without_quotes(std::string_view text) {
  for (const std::string_view quote :
       {std::string_view("\\\""), std::string_view("\""), std::string_view("`")}) {
    if (text.size() >= 2 * quote.size() && text.starts_with(quote) && text.ends_with(quote)) {
      return trim_blanks(text.substr(quote.size(), text.size() - 2 * quote.size()));
    }
  }
  return text;
}

/// What a sentence such as "The volume of $P$ is 120" says.
std::optional<std::string> answer_in(std::string_view sentence) {
  sentence = without_quotes(trim_blanks(sentence));
  if (is_answer(sentence, Words::allowed)) return std::string(sentence);
  const std::size_t is = find_last(sentence, " is ");
  if (is != kNone) {
    const std::string_view rest = trim_blanks(sentence.substr(is + 4));
    if (is_answer(rest, Words::allowed)) return std::string(rest);
  }
  const Span formula = last_formula(sentence);
  if (formula.begin != kNone) return text_of(sentence, formula);
  const std::string_view number = last_number(sentence);
  return number.empty() ? std::nullopt : std::optional(std::string(number));
}

/// What stands behind the last #### on its line, as in the solutions of GSM8K.
std::optional<std::string> behind_hashes(std::string_view text) {
  constexpr std::string_view kMark = "####";
  const std::size_t at = text.rfind(kMark);
  if (at == kNone) return std::nullopt;
  std::string_view line = text.substr(at + kMark.size());
  line = trim_blanks(line.substr(0, line.find('\n')));
  return line.empty() ? std::nullopt : std::optional(std::string(line));
}

struct Anchor {
  std::size_t at = kNone;  // behind it
};

Anchor last_anchor(std::string_view text) {
  constexpr std::array<std::string_view, 5> kAnchors = {"answer is:", "answer is", "answer:", "answer:**",
                                                        "answer**"};
  Anchor last;
  std::size_t best = kNone;
  for (const std::string_view words : kAnchors) {
    const std::size_t at = find_last(text, words);
    if (at == kNone) continue;
    const std::size_t behind = at + words.size();
    if (best == kNone || at > best || (at == best && behind > last.at)) {
      best = at;
      last.at = behind;
    }
  }
  return last;
}

}  // namespace

FoundAnswer find_answer(std::string_view text) {
  if (text.size() > kMaxScanned) text.remove_prefix(text.size() - kMaxScanned);
  constexpr std::string_view kThinkEnd = "</think>";
  const std::size_t thought = text.rfind(kThinkEnd);
  if (thought != kNone) text.remove_prefix(thought + kThinkEnd.size());
  text = trim_blanks(text);
  const std::vector<Box> boxes = find_boxes(text, DoubledBackslash::begins_command);
  if (boxes.empty() && is_answer(text, Words::refused)) return {std::string(text), "whole text"};

  const Anchor anchor = last_anchor(text);
  const std::size_t hope = find_last(text, "i hope it is correct");
  const bool hopes = anchor.at != kNone && hope != kNone && hope > anchor.at;
  if (hopes && (boxes.empty() || boxes.back().end < anchor.at)) {
    std::string_view sentence = trim_blanks(text.substr(anchor.at, hope - anchor.at));
    if (sentence.ends_with('.')) sentence.remove_suffix(1);
    if (auto found = answer_in(sentence)) return {std::move(*found), "final answer"};
  }
  const Extracted tagged = extract_answer(text);
  if (tagged.found) return {std::string(tagged.answer), "answer tag"};
  if (auto boxed = boxed_answer(text)) return {std::move(*boxed), "boxed"};
  if (auto marked = behind_hashes(text)) return {std::move(*marked), "####"};
  if (anchor.at != kNone) {
    if (auto found = answer_in(first_sentence(text.substr(anchor.at))))
      return {std::move(*found), "answer is"};
  }
  const Span formula = last_formula(text);
  // Between the dollars of two prices stands no formula.
  if (formula.begin != kNone && is_answer(text_of(text, formula), Words::refused)) {
    return {text_of(text, formula), "formula"};
  }
  // Text without words is to be graded as it stands: its last number is not what it says.
  if (!has_words(text)) return {std::string(text), "whole text"};
  const std::string_view number = last_number(text);
  if (!number.empty()) return {std::string(number), "number"};
  if (is_answer(text, Words::allowed)) return {std::string(text), "whole text"};
  return {"", "nothing"};
}

}  // namespace reckon
