// Answers in tags, behind #### and behind a phrase.
#include "extract_forms.h"

#include <algorithm>

#include "tags.h"

namespace reckon {
namespace {

constexpr std::string_view kHashes = "####";

char small_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether the phrase, in small letters, stands at a position, and no letter before it.
bool phrase_at(std::string_view text, std::size_t position, std::string_view phrase) {
  if (text.size() - position < phrase.size()) return false;
  if (position > 0 && is_ascii_letter(text[position - 1])) return false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (small_letter(text[position + i]) != phrase[i]) return false;
  }
  return true;
}

/// The end of the sentence that begins at a position: its full stop or line feed, or the end of the text.
std::size_t sentence_end(std::string_view text, std::size_t position) {
  for (; position < text.size(); ++position) {
    if (text[position] == '\n') break;
    const bool last = position + 1 == text.size();
    if (text[position] == '.' && (last || trim_blanks(text.substr(position + 1, 1)).empty())) break;
  }
  return position;
}

/// Without blanks and the asterisks of bold text at both ends.
std::string_view trim_bold(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n*";
  const std::size_t first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

}  // namespace

Extracted extract_tagged(std::string_view text) {
  Extracted result;
  for (std::size_t at = 0;;) {
    const std::size_t close = text.find(tags::kAnswerClose, at);
    if (close == std::string_view::npos) break;
    // The nearest opening tag: in <answer>1<answer>2</answer> the answer is 2.
    const std::string_view piece = text.substr(at, close - at);
    const std::size_t open = piece.rfind(tags::kAnswerOpen);
    if (open != std::string_view::npos) {
      enter_answer(result, trim_blanks(piece.substr(open + tags::kAnswerOpen.size())));
    }
    at = close + tags::kAnswerClose.size();
  }
  return result;
}

Extracted extract_hashes(std::string_view text) {
  Extracted result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // The last row of exactly four: one pass, from the end.
    for (std::size_t end = line.rfind('#'); end != std::string_view::npos;) {
      const std::size_t before = line.find_last_not_of('#', end);
      const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
      if (end + 1 - begin == kHashes.size()) {
        enter_answer(result, trim_blanks(line.substr(end + 1)));
        break;
      }
      if (begin == 0) break;
      end = line.rfind('#', begin - 1);
    }
  }
  return result;
}

std::size_t end_of_last_phrase(std::string_view text) {
  std::size_t end = std::string_view::npos;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const std::string_view phrase : kAnswerPhrases) {
      if (phrase_at(text, at, phrase)) end = at + phrase.size();
    }
  }
  return end;
}

Extracted extract_phrase(std::string_view text) {
  Extracted result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = sentence_end(text, at);
    std::string_view sentence = text.substr(at, end - at);
    const std::size_t phrase = end_of_last_phrase(sentence);
    if (phrase != std::string_view::npos) {
      sentence.remove_prefix(phrase);
      if (sentence.starts_with(':')) sentence.remove_prefix(1);
      enter_answer(result, trim_bold(sentence));
    }
    at = end + 1;
  }
  return result;
}

}  // namespace reckon
