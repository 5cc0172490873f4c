// Answers in \boxed{} and \fbox{}.
#include <vector>

#include "extract_forms.h"

namespace reckon {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Box {
  std::size_t begin = 0;  ///< of \boxed
  std::size_t end = 0;    ///< behind it
  std::string_view content;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Finds the complete boxes of a text in one forward pass; those inside others are left out.
class BoxScanner {
 public:
  explicit BoxScanner(std::string_view text) : text_(text) {}

  std::vector<Box> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        command();
      } else if (c == '{') {
        open_.push_back({kNone, 0});
        ++at_;
      } else if (c == '}') {
        close();
      } else {
        ++at_;
      }
    }
    return std::move(boxes_);
  }

 private:
  /// An open brace, and the box that it belongs to.
  struct Brace {
    std::size_t box_begin;  ///< kNone: of no box
    std::size_t content_begin;
  };

  void command() {
    for (const std::string_view name : {std::string_view("\\boxed"), std::string_view("\\fbox")}) {
      const std::size_t end = at_ + name.size();
      if (!text_.substr(at_).starts_with(name) || (end < text_.size() && is_ascii_letter(text_[end])))
        continue;
      box(end);
      return;
    }
    at_ += 2;  // \{, \}, \\, or the first letter of another command
  }

  void box(std::size_t behind_name) {
    const std::size_t begin = at_;
    at_ = behind_name;
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '{') {
      ++at_;
      open_.push_back({begin, at_});
      return;
    }
    std::size_t end = dollar_of_line();
    for (std::size_t i = at_; end == kNone; ++i) {
      if (i == text_.size() || is_blank(text_[i])) end = i;
    }
    add({begin, end, text_.substr(at_, end - at_)});
    at_ = end;
  }

  void close() {
    if (!open_.empty()) {
      const Brace brace = open_.back();
      open_.pop_back();
      if (brace.box_begin != kNone) {
        add({brace.box_begin, at_ + 1, text_.substr(brace.content_begin, at_ - brace.content_begin)});
      }
    }
    ++at_;
  }

  void add(Box box) {
    box.content = trim_blanks(box.content);
    while (!boxes_.empty() && boxes_.back().begin > box.begin) boxes_.pop_back();
    boxes_.push_back(box);
  }

  /// The next $ before the end of the line; kNone where there is none. Each part of the text is searched
  /// once.
  std::size_t dollar_of_line() {
    if (next_stop_ < at_ || !searched_) {
      next_stop_ = std::min(text_.find_first_of("$\n", at_), text_.size());
      searched_ = true;
    }
    return next_stop_ < text_.size() && text_[next_stop_] == '$' ? next_stop_ : kNone;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t next_stop_ = 0;
  bool searched_ = false;
  std::vector<Brace> open_;
  std::vector<Box> boxes_;
};

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
  const std::vector<Box> boxes = BoxScanner(text).run();
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
