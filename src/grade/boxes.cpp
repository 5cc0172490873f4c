#include "boxes.h"

namespace reckon {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Opened {
  std::size_t brace = 0;
  std::size_t command = kNone;  // where the \boxed before the brace begins
};

/// Where the command begins that ends right before `end`, blanks between: of \boxed and \fbox; else kNone.
std::size_t command_before(std::string_view text, std::size_t end) {
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\n')) --end;
  for (const std::string_view command : {std::string_view("\\boxed"), std::string_view("\\fbox")}) {
    if (text.substr(0, end).ends_with(command)) return end - command.size();
  }
  return kNone;
}

}  // namespace

std::vector<Box> find_boxes(std::string_view text) {
  std::vector<Box> boxes;
  std::vector<Opened> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '{' || text[i + 1] == '}')) {
      ++i;
    } else if (text[i] == '{') {
      open.push_back({i, command_before(text, i)});
    } else if (text[i] == '}' && !open.empty()) {
      const Opened opened = open.back();
      open.pop_back();
      if (opened.command == kNone) continue;
      while (!boxes.empty() && boxes.back().begin > opened.command) boxes.pop_back();  // nested in this one
      boxes.push_back({opened.command, i + 1, text.substr(opened.brace + 1, i - opened.brace - 1)});
    }
  }
  return boxes;
}

}  // namespace reckon
