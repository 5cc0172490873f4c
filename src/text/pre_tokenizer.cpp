#include "pre_tokenizer.h"

#include "reckon/text/utf8.h"
#include "unicode.h"

namespace reckon {

SplitRegex gpt2_pattern() {
  return SplitRegex::compile(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
                             "pre_tokenizer ByteLevel");
}

std::size_t PreTokenizer::end_of_run(std::string_view piece, std::size_t start, bool individual) {
  const CodePointSet& digits = rust_numeric();
  Utf8Character character = utf8_character_at(piece, start).value();
  const bool is_digit = digits.contains(character.code_point);
  std::size_t end = start + character.num_bytes;
  if (is_digit && individual) return end;
  while (end < piece.size()) {
    character = utf8_character_at(piece, end).value();
    if (digits.contains(character.code_point) != is_digit) break;
    end += character.num_bytes;
  }
  return end;
}

}  // namespace reckon
