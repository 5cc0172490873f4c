#include "prompt_book.h"

#include <stdexcept>
#include <utility>

namespace reckon {

PromptBook::PromptBook(TrainRun& run, const StageConfig& stage)
    : run_(run),
      stage_(stage),
      tasks_(run.tasks_named(stage.tasks)),
      stream_(run.seed(), stage.name),
      behind_(run.seed(), stage.name) {}

DrawnPrompt PromptBook::draw(ProblemStream& stream, std::int64_t& too_long) {
  return draw_prompt(run_, tasks_, stream, stage_.sampling.max_new_tokens, too_long);
}

DrawnPrompt PromptBook::take(std::int64_t number) {
  for (; next_ <= number; ++next_) waiting_.emplace(next_, draw(stream_, too_long_));
  const auto found = waiting_.find(number);
  if (found == waiting_.end())
    throw std::logic_error("PromptBook: prompt " + std::to_string(number) + " was taken or dropped");
  DrawnPrompt drawn = std::move(found->second);
  waiting_.erase(found);
  return drawn;
}

void PromptBook::drop_below(std::int64_t number) {
  waiting_.erase(waiting_.begin(), waiting_.lower_bound(number));
}

void PromptBook::drop(std::int64_t number) {
  for (; next_ <= number; ++next_) waiting_.emplace(next_, draw(stream_, too_long_));
  waiting_.erase(number);
}

std::int64_t PromptBook::take_too_long() {
  return std::exchange(too_long_, 0);
}

StreamCursor PromptBook::cursor(std::int64_t number) {
  if (number == next_) return stream_.cursor();
  std::int64_t passed_over = 0;
  for (; behind_next_ < number; ++behind_next_) static_cast<void>(draw(behind_, passed_over));
  return behind_.cursor();
}

void PromptBook::move_to(const StreamCursor& cursor, std::int64_t number) {
  stream_.move_to(cursor);
  behind_.move_to(cursor);
  next_ = behind_next_ = number;
  waiting_.clear();
}

}  // namespace reckon
