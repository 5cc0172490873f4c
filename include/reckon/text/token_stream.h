#pragma once

#include <cstdint>
#include <string>

#include "reckon/text/tokenizer.h"

namespace reckon {

/// Text of tokens as they come, for printing. A character whose bytes are spread over several tokens is held
/// back until it is whole. All that give() and end() return, one after the other, is decode() of all ids.
class TokenStream {
 public:
  explicit TokenStream(Tokenizer tokenizer, SpecialTokens special = SpecialTokens::keep)
      : tokenizer_(std::move(tokenizer)), special_(special) {}

  /// The text that is complete with this token and was not returned before; often empty.
  /// \throws Error(bad_data) at an id that no token has.
  [[nodiscard]] std::string give(std::uint32_t id);

  /// What is left: U+FFFD for a character that never was completed. The stream is empty again.
  [[nodiscard]] std::string end();

 private:
  Tokenizer tokenizer_;
  SpecialTokens special_;
  std::string held_back_;  ///< at most the beginning of one character
};

}  // namespace reckon
