#include "boxes.h"

#include <algorithm>

#include "extract_forms.h"

namespace reckon {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Finds the complete boxes of a text in one forward pass; those inside others are left out.
class BoxScanner {
 public:
  BoxScanner(std::string_view text, DoubledBackslash doubled) : text_(text), doubled_(doubled) {}

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
    // \{, \}, \\, or the first letter of another command; but not the \\ of a command whose backslash is
    // doubled.
    at_ += doubled_ == DoubledBackslash::begins_command && is_doubled() ? 1 : 2;
  }

  [[nodiscard]] bool is_doubled() const {
    const std::string_view next = text_.substr(std::min(at_ + 1, text_.size()));
    return next.starts_with("\\boxed") || next.starts_with("\\fbox");
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
  DoubledBackslash doubled_;
  std::size_t at_ = 0;
  std::size_t next_stop_ = 0;
  bool searched_ = false;
  std::vector<Brace> open_;
  std::vector<Box> boxes_;
};

}  // namespace

std::vector<Box> find_boxes(std::string_view text, DoubledBackslash doubled) {
  return BoxScanner(text, doubled).run();
}

}  // namespace reckon
