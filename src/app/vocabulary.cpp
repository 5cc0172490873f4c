#include "vocabulary.h"

#include "reckon/base/error.h"

namespace reckon {

void fit_vocabulary(const Tokenizer& tokenizer, const std::string& folder, Decoder& decoder) {
  const auto tokens = static_cast<std::int64_t>(tokenizer.vocab_size());
  const std::int64_t rows = decoder.config().vocab_size;
  if (tokens > rows) {
    throw Error(ExitCode::bad_data, folder + ": the tokenizer has ids up to " + std::to_string(tokens - 1) +
                                        ", the model has " + std::to_string(rows) +
                                        " rows (need at least as many). Do they belong together?");
  }
  decoder.limit_vocabulary(tokens);
  if (tokenizer.has_eos()) decoder.add_eos(static_cast<std::int64_t>(tokenizer.eos_id()));
}

}  // namespace reckon
