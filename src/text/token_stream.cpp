#include "reckon/text/token_stream.h"

#include <utility>

#include "reckon/text/utf8.h"

namespace reckon {

std::string TokenStream::give(std::uint32_t id) {
  const std::string_view bytes = tokenizer_.token_bytes(id);
  if (special_ == SpecialTokens::skip && tokenizer_.is_special(id)) return "";
  held_back_ += bytes;
  const std::size_t num_complete = held_back_.size() - unfinished_utf8_bytes(held_back_);
  std::string text = utf8_with_replacements(std::string_view(held_back_).substr(0, num_complete));
  held_back_.erase(0, num_complete);
  return text;
}

std::string TokenStream::end() {
  return utf8_with_replacements(std::exchange(held_back_, {}));
}

}  // namespace reckon
