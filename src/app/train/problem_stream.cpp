#include "problem_stream.h"

#include <algorithm>

#include "reckon/base/philox.h"

namespace reckon {

DrawnProblem ProblemStream::next(const std::vector<const RecipeTask*>& tasks) {
  std::uint64_t name = seed_;
  for (const char c : stage_) name = mix64(name, static_cast<unsigned char>(c));
  RandomStream random(name, static_cast<std::uint32_t>(number_), static_cast<std::uint32_t>(number_ >> 32));
  double total = 0;
  for (const RecipeTask* task : tasks) total += task->config.weight;
  double place = random.uniform() * total;
  std::size_t chosen = 0;
  while (chosen + 1 < tasks.size() && place >= tasks[chosen]->config.weight) {
    place -= tasks[chosen]->config.weight;
    ++chosen;
  }
  const RecipeTask& source = *tasks[chosen];
  const auto& levels = source.config.levels;
  const std::int64_t level = levels[random.below(static_cast<std::uint32_t>(levels.size()))];
  coin_ = random.uniform();
  DrawnProblem drawn;
  drawn.source = &source;
  drawn.number = number_;
  drawn.problem = source.task->problem(level, Split::train, name, number_);
  drawn.visit = visits_[drawn.problem.id]++;
  ++number_;
  return drawn;
}

StreamCursor ProblemStream::cursor() const {
  StreamCursor cursor{.number = number_, .visits = {visits_.begin(), visits_.end()}};
  std::ranges::sort(cursor.visits);
  return cursor;
}

void ProblemStream::move_to(const StreamCursor& cursor) {
  number_ = cursor.number;
  visits_ = {cursor.visits.begin(), cursor.visits.end()};
}

}  // namespace reckon
