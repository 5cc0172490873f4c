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

void check_extraction(std::string_view text, const AnswerConfig& config) {
  const Extracted extracted = extract_answer(text, config);
  require(extracted.found == !extracted.answer.empty(), "an answer is found where it is not blank");
  require(is_part_of(extracted.answer, text), "the answer is a part of the completion");
  require(is_part_of(extracted.joined, text), "the joined boxes are a part of the completion");
  require(trim_blanks(extracted.answer) == extracted.answer, "the answer has no blanks around it");
  require(!extracted.found || extracted.num_answers > 0, "an answer that is found is counted");
  require(!extracted.several || extracted.num_answers > 1, "several answers are more than one");
  require(extracted.too_long == (extracted.answer.size() > kMaxAnswerBytes), "a long answer is told");
  require(extracted.joined.size() <= kMaxAnswerBytes, "no boxes are joined to a long answer");
  if (text.size() <= kMaxScannedBytes && well_formed(text, config)) {
    require(extracted.found && !extracted.several, "a well-formed completion has one answer");
  }
}

void check_every_form(std::string_view text) {
  for (const AnswerForm form : {AnswerForm::tag, AnswerForm::boxed, AnswerForm::hashes, AnswerForm::phrase}) {
    for (const bool require_think_close : {false, true}) {
      check_extraction(text, {.form = form, .require_think_close = require_think_close});
    }
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
  reckon::fuzz::check_every_form(text);
  reckon::fuzz::check_search(text);
  return 0;
}
