#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parse_answer.h"
#include "token.h"

namespace reckon {

struct Tokens {
  std::vector<Token> tokens;  ///< the last one is `end`
  bool has_word = false;      ///< some token is a word, so that the answer may be text
  bool refused = false;
  std::string reason;  ///< where refused
};

/// Cuts the plain text (see plain_text()) into tokens. Markup is not seen: dollar signs, \( \), \left,
/// \mathbf, \displaystyle, an align environment, a full stop or comma at the end. The tokens point into the
/// text.
[[nodiscard]] Tokens tokenize(std::string_view text, const ParseLimits& limits);

}  // namespace reckon
