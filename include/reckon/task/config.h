#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon {

enum class TaskKind { arithmetic, knights, jsonl };
constexpr auto enum_names(TaskKind) {
  return std::array{EnumName{TaskKind::arithmetic, "arithmetic"}, EnumName{TaskKind::knights, "knights"},
                    EnumName{TaskKind::jsonl, "jsonl"}};
}

/// One [[task]] table: a source of problems with its verifier, under a name that stages refer to.
struct TaskConfig {
  std::string name;
  TaskKind kind = TaskKind::arithmetic;
  std::vector<std::int64_t> levels = {1};
  std::int64_t eval_level = 0;
  double weight = 1.0;
  std::string path;
};

template <class Visitor>
void describe(Visitor& visit, TaskConfig& c) {
  visit("name", c.name, required(), "name of the task, unique in the recipe");
  visit("kind", c.kind, required(), "which generator or reader makes the problems");
  visit("levels", c.levels, between(1, 100), "levels drawn from in training, each equally often");
  visit("eval_level", c.eval_level, between(0, 100),
        "level of the held-out problems; 0 is the last of levels");
  visit("weight", c.weight, above(0), "how often the task is drawn, relative to the others of its stage");
  visit("path", c.path, any(), "kind = \"jsonl\": file with one {question, answer} object a line");
}

}  // namespace reckon
