#include "reckon/grade/extract.h"

#include <algorithm>

#include "extract_forms.h"
#include "tags.h"

namespace reckon {
namespace {

using namespace tags;

/// The part of a completion in which its answer is looked for.
std::string_view answer_region(std::string_view completion, bool require_think_close) {
  const std::size_t think_end = completion.rfind(kThinkClose);
  std::size_t begin = 0;
  if (think_end != std::string_view::npos) {
    begin = think_end + kThinkClose.size();
  } else if (require_think_close) {
    return {};
  }
  const std::size_t end = completion.find(kThinkOpen, begin);
  if (completion.size() > kMaxScannedBytes) begin = std::max(begin, completion.size() - kMaxScannedBytes);
  if (end != std::string_view::npos && end <= begin) return {};
  return completion.substr(begin, end == std::string_view::npos ? end : end - begin);
}

/// Takes a <think>...</think> from the front, and the blanks behind it. False where it is not closed or has
/// tags in it.
bool take_thinking(std::string_view& text) {
  text.remove_prefix(kThinkOpen.size());
  const std::size_t close = text.find(kThinkClose);
  if (close == std::string_view::npos || has_tag(text.substr(0, close))) return false;
  text = trim_blanks(text.substr(close + kThinkClose.size()));
  return true;
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Extracted extract_answer(std::string_view completion, const AnswerConfig& config, std::size_t max_bytes) {
  const std::string_view text = answer_region(completion, config.require_think_close);
  Extracted result;
  switch (config.form) {
    case AnswerForm::tag:
      result = extract_tagged(text);
      break;
    case AnswerForm::boxed:
      result = extract_boxed(text);
      break;
    case AnswerForm::hashes:
      result = extract_hashes(text);
      break;
    case AnswerForm::phrase:
      result = extract_phrase(text);
      break;
  }
  result.found = !result.answer.empty();
  result.too_long = result.answer.size() > max_bytes;
  if (result.joined.size() > max_bytes) result.joined = {};
  return result;
}

bool well_formed(std::string_view completion, const AnswerConfig& config) {
  std::string_view text = trim_blanks(completion);
  if (text.starts_with(kThinkOpen)) {
    if (!take_thinking(text)) return false;
  } else if (config.require_think_close) {
    return false;
  }
  if (config.form != AnswerForm::tag) {
    const Extracted answer = extract_answer(text, {.form = config.form});
    return !has_tag(text) && answer.found && !answer.several;
  }
  if (!text.starts_with(kAnswerOpen) || !text.ends_with(kAnswerClose)) return false;
  text.remove_prefix(kAnswerOpen.size());
  text.remove_suffix(kAnswerClose.size());
  return !has_tag(text) && !trim_blanks(text).empty();
}

}  // namespace reckon
