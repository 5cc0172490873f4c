#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reckon/text/tokenizer.h"

namespace reckon {

/// Finds stop strings in the text of a completion as it grows.
class StopStrings {
 public:
  /// \param tokenizer  must outlive this
  StopStrings(const Tokenizer& tokenizer, std::vector<std::string> strings);

  [[nodiscard]] bool empty() const { return strings_.empty(); }
  /// Whether a string ends within the text of the last token: to be asked after every token.
  [[nodiscard]] bool reached(std::span<const std::uint32_t> token_ids) const;

 private:
  const Tokenizer& tokenizer_;
  std::vector<std::string> strings_;
  std::size_t longest_ = 0;  // bytes
};

}  // namespace reckon
