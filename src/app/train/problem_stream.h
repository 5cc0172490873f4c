#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "reckon/checkpoint/state.h"
#include "reckon/task/task.h"

namespace reckon {

/// A task of the recipe with how it is drawn.
struct RecipeTask {
  TaskConfig config;
  std::unique_ptr<Task> task;
  [[nodiscard]] std::int64_t eval_level() const {
    return config.eval_level != 0 ? config.eval_level : config.levels.back();
  }
};

/// One problem of a stream.
struct DrawnProblem {
  const RecipeTask* source = nullptr;
  Problem problem;
  std::uint64_t number = 0;  ///< in the stream
  std::uint64_t visit = 0;   ///< how often the stream had drawn the same problem before
};

/// The training problems of a stage: problem `number` is a function of (seed, stage, tasks, number), so that
/// every rank draws the same ones.
class ProblemStream {
 public:
  ProblemStream(std::uint64_t seed, const std::string& stage) : seed_(seed), stage_(stage) {}

  /// The next problem from one of these tasks, chosen by weight; its level uniformly from the task's levels.
  DrawnProblem next(const std::vector<const RecipeTask*>& tasks);
  /// A number in [0, 1) that belongs to the problem drawn last.
  [[nodiscard]] double coin() const { return coin_; }

  /// Where the stream stands, and a stream that goes on from there.
  [[nodiscard]] StreamCursor cursor() const;
  void move_to(const StreamCursor& cursor);

 private:
  std::uint64_t seed_;
  std::string stage_;
  std::uint64_t number_ = 0;
  double coin_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> visits_;
};

}  // namespace reckon
