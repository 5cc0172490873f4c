// Any bytes as a completion: the extractor and the search for an answer.
#include <string>

#include "fuzz_target.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"

namespace reckon::fuzz {
namespace {

bool is_part_of(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_extraction(std::string_view text) {
  const Extracted extracted = extract_answer(text);
  require(extracted.found == !extracted.answer.empty(), "an answer is found where it is not blank");
  require(is_part_of(extracted.answer, text), "the answer is a part of the completion");
  require(trim_blanks(extracted.answer) == extracted.answer, "the answer has no blanks around it");
  require(!extracted.found || extracted.num_answers > 0, "an answer comes from a pair of tags");
  if (well_formed(text)) {
    require(extracted.found && extracted.num_answers == 1, "a well-formed completion has one answer");
  }
}

void check_search(std::string_view text) {
  const FoundAnswer found = find_answer(text);
  require(found.where != nullptr, "the search says where");
  const bool nothing = std::string_view(found.where) == "nothing";
  require(!nothing || found.text.empty(), "nothing is found with no text");
  require(found.text.size() <= text.size(), "no answer is longer than its text");
  require(find_answer(text).text == found.text, "the search finds the same twice");
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reckon::fuzz::text_of(data, size);
  reckon::fuzz::check_extraction(text);
  reckon::fuzz::check_search(text);
  return 0;
}
