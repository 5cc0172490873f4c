#include "reckon/rollout/stop_strings.h"

#include <algorithm>
#include <utility>

namespace reckon {

StopStrings::StopStrings(const Tokenizer& tokenizer, std::vector<std::string> strings)
    : tokenizer_(tokenizer), strings_(std::move(strings)) {
  for (const std::string& string : strings_) longest_ = std::max(longest_, string.size());
}

bool StopStrings::reached(std::span<const std::uint32_t> token_ids) const {
  // A token has at least one byte, but for special tokens, which have none: those more are looked at than
  // needed.
  std::size_t count = 0;
  std::string text;
  do {
    count = std::min(token_ids.size(), std::max<std::size_t>(count * 2, longest_ + 1));
    text = tokenizer_.decode(token_ids.last(count));
  } while (text.size() < longest_ && count < token_ids.size());
  const std::size_t before =
      count == 1 ? 0 : tokenizer_.decode(token_ids.last(count).first(count - 1)).size();
  return std::any_of(strings_.begin(), strings_.end(), [&](const std::string& string) {
    // Not where it ended earlier: it was found then.
    const std::size_t from = before >= string.size() ? before - string.size() + 1 : 0;
    return text.find(string, std::min(from, text.size())) != std::string::npos;
  });
}

}  // namespace reckon
