#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reckon/base/philox.h"
#include "word_pieces.h"

namespace reckon {

/// A story put together from pieces, with its calculation.
struct WordStory {
  std::string text;        ///< ends in the question
  std::string steps;       ///< a sentence a line for each calculation
  nlohmann::json program;  ///< [["*", 3, 12], ["-", "#1", 7]]: operands are numbers and results, #1 the first
  std::int64_t answer = 0;  ///< the last result
};

/// A random story of exactly `num_steps` calculations (2 .. 8): an opening, moves, and a closing of one
/// domain. All results are whole and positive.
[[nodiscard]] WordStory random_word_story(std::size_t num_steps, RandomStream& random);

}  // namespace reckon
