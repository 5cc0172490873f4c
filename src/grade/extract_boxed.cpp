// Answers in \boxed{} and \fbox{}.
#include <vector>

#include "boxes.h"
#include "extract_forms.h"

namespace reckon {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Whether two boxes with this between them are one list.
bool joins(std::string_view gap) {
  bool separated = false;
  while (!gap.empty()) {
    const char c = gap.front();
    std::size_t length = 1;
    if (c == ',' || c == ';') {
      separated = true;
    } else if (is_ascii_letter(c)) {
      length = 0;
      while (length < gap.size() && is_ascii_letter(gap[length])) ++length;
      const std::string_view word = gap.substr(0, length);
      if (word != "and" && word != "or") return false;
      separated = true;
    } else if (!is_blank(c) && c != '$') {
      return false;
    }
    gap.remove_prefix(length);
  }
  return separated;
}

}  // namespace

Extracted extract_boxed(std::string_view text) {
  const std::vector<Box> boxes = find_boxes(text, DoubledBackslash::breaks_line);
  Extracted result;
  for (const Box& box : boxes) enter_answer(result, box.content);
  if (boxes.empty()) return result;
  std::size_t first = boxes.size() - 1;
  while (first > 0) {
    const Box& before = boxes[first - 1];
    if (!joins(text.substr(before.end, boxes[first].begin - before.end))) break;
    --first;
  }
  if (first + 1 < boxes.size()) {
    result.joined = text.substr(boxes[first].begin, boxes.back().end - boxes[first].begin);
  }
  return result;
}

}  // namespace reckon
