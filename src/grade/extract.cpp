#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr std::string_view kThinkOpen = "<think>";
constexpr std::string_view kThinkClose = "</think>";
constexpr std::string_view kAnswerOpen = "<answer>";
constexpr std::string_view kAnswerClose = "</answer>";

bool has_tag(std::string_view text) {
  for (const std::string_view tag : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose}) {
    if (text.find(tag) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Extracted extract_answer(std::string_view completion) {
  std::string_view text = completion;
  const std::size_t think_end = text.rfind(kThinkClose);
  if (think_end != std::string_view::npos) text.remove_prefix(think_end + kThinkClose.size());
  text = text.substr(0, text.find(kThinkOpen));

  Extracted result;
  std::string_view last;
  for (std::size_t at = 0;;) {
    const std::size_t close = text.find(kAnswerClose, at);
    if (close == std::string_view::npos) break;
    // The nearest opening tag: in <answer>1<answer>2</answer> the answer is 2.
    const std::string_view piece = text.substr(at, close - at);
    const std::size_t open = piece.rfind(kAnswerOpen);
    if (open != std::string_view::npos) {
      last = piece.substr(open + kAnswerOpen.size());
      ++result.num_answers;
    }
    at = close + kAnswerClose.size();
  }
  result.answer = trim_blanks(last);
  result.found = !result.answer.empty();
  return result;
}

bool well_formed(std::string_view completion) {
  std::string_view text = trim_blanks(completion);
  if (text.starts_with(kThinkOpen)) {
    text.remove_prefix(kThinkOpen.size());
    const std::size_t close = text.find(kThinkClose);
    if (close == std::string_view::npos || has_tag(text.substr(0, close))) return false;
    text = trim_blanks(text.substr(close + kThinkClose.size()));
  }
  if (!text.starts_with(kAnswerOpen) || !text.ends_with(kAnswerClose)) return false;
  text.remove_prefix(kAnswerOpen.size());
  text.remove_suffix(kAnswerClose.size());
  return !has_tag(text) && !trim_blanks(text).empty();
}

}  // namespace reckon
