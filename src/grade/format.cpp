#include "reckon/grade/format.h"

#include "reckon/grade/extract.h"
#include "tags.h"

namespace reckon {
namespace {

/// How often a piece stands in a text, counted without overlap.
std::size_t count(std::string_view text, std::string_view piece) {
  std::size_t number = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos; ++number) {
    at = text.find(piece, at + piece.size());
  }
  return number;
}

}  // namespace

bool strict_format(std::string_view completion) {
  constexpr std::string_view kHead = "<think>\n";
  constexpr std::string_view kMiddle = "\n</think>\n<answer>\n";
  constexpr std::string_view kTail = "\n</answer>";
  if (!completion.starts_with(kHead)) return false;
  completion.remove_prefix(kHead.size());
  const std::size_t middle = completion.find(kMiddle);
  if (middle == std::string_view::npos || tags::has_tag(completion.substr(0, middle))) return false;
  completion.remove_prefix(middle + kMiddle.size());
  if (!completion.ends_with(kTail)) return false;
  completion.remove_suffix(kTail.size());
  return !tags::has_tag(completion) && !trim_blanks(completion).empty();
}

bool think_format(std::string_view completion) {
  return completion.starts_with(tags::kThinkOpen) && count(completion, tags::kThinkOpen) == 1 &&
         completion.find(tags::kThinkClose) != std::string_view::npos;
}

double tag_count_format(std::string_view completion) {
  double sum = 0;
  for (const std::string_view piece : {"<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"}) {
    if (count(completion, piece) == 1) sum += 0.25;
  }
  return sum;
}

}  // namespace reckon
