#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "problem_stream.h"
#include "setup.h"

namespace reckon {

/// The prompts of a stage by the numbers of their groups: prompt n is the n-th that the stream draws and that
/// is not too long. The same on every rank.
class PromptBook {
 public:
  PromptBook(TrainRun& run, const StageConfig& stage);

  /// Each number once; what lies between is kept until it is asked for or dropped.
  [[nodiscard]] DrawnPrompt take(std::int64_t number);
  /// Numbers below this one will not be asked for.
  void drop_below(std::int64_t number);
  void drop(std::int64_t number);
  /// Of the draws so far: prompts that were passed over since the last call.
  [[nodiscard]] std::int64_t take_too_long();

  /// Where the stream stands before prompt `number`, and a book that goes on from there. The numbers of one
  /// book ascend.
  [[nodiscard]] StreamCursor cursor(std::int64_t number);
  void move_to(const StreamCursor& cursor, std::int64_t number);

 private:
  [[nodiscard]] DrawnPrompt draw(ProblemStream& stream, std::int64_t& too_long);

  TrainRun& run_;
  const StageConfig& stage_;
  std::vector<const RecipeTask*> tasks_;
  ProblemStream stream_;
  std::int64_t next_ = 0;  // number of the prompt that stream_ draws next
  ProblemStream behind_;   // stands before prompt behind_next_: for cursor()
  std::int64_t behind_next_ = 0;
  std::map<std::int64_t, DrawnPrompt> waiting_;  // drawn, not asked for yet
  std::int64_t too_long_ = 0;
};

}  // namespace reckon
