#pragma once

#include <string>

#include "reckon/model/decoder.h"
#include "reckon/text/tokenizer.h"

namespace reckon {

/// Makes a model sample what its tokenizer can say: rows beyond the tokens are left out, and a completion
/// ends by the tokenizer's end-of-sequence token too, where it has one. \throws Error(bad_data) naming the
/// folder where the tokenizer has more ids than the model has rows.
void fit_vocabulary(const Tokenizer& tokenizer, const std::string& folder, Decoder& decoder);

}  // namespace reckon
