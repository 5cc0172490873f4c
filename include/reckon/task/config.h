#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon {

/// Numbers name streams of problems: never renumber. Puzzles of grids and search from 10, of logic and worlds
/// from 30, mathematics from 50.
enum class TaskKind {
  arithmetic = 0,
  knights = 1,
  jsonl = 2,
  zebra = 30,
  entailment = 31,
  sat = 32,
  circuit = 33,
  syllogism = 34,
  calendar = 35,
  family = 36,
  base_conversion = 37,
  modular_chain = 50,
  linear_equations = 51,
  multiplication = 52,
  word_problem = 53,
};
constexpr auto enum_names(TaskKind) {
  return std::array{EnumName{TaskKind::arithmetic, "arithmetic"},
                    EnumName{TaskKind::knights, "knights"},
                    EnumName{TaskKind::jsonl, "jsonl"},
                    EnumName{TaskKind::zebra, "zebra"},
                    EnumName{TaskKind::entailment, "entailment"},
                    EnumName{TaskKind::sat, "sat"},
                    EnumName{TaskKind::circuit, "circuit"},
                    EnumName{TaskKind::syllogism, "syllogism"},
                    EnumName{TaskKind::calendar, "calendar"},
                    EnumName{TaskKind::family, "family"},
                    EnumName{TaskKind::base_conversion, "base_conversion"},
                    EnumName{TaskKind::modular_chain, "modular_chain"},
                    EnumName{TaskKind::linear_equations, "linear_equations"},
                    EnumName{TaskKind::multiplication, "multiplication"},
                    EnumName{TaskKind::word_problem, "word_problem"}};
}

/// Which side of the split the problems of a file are on.
enum class FileSplit {
  hash,      ///< about 1 in 8 is held out, by its hash (task.h, split_of)
  train,     ///< all are for training
  held_out,  ///< all are held out: a test set
};
constexpr auto enum_names(FileSplit) {
  return std::array{EnumName{FileSplit::hash, "hash"}, EnumName{FileSplit::train, "train"},
                    EnumName{FileSplit::held_out, "held_out"}};
}

/// One [[task]] table: a source of problems with its verifier, under a name that stages refer to.
struct TaskConfig {
  std::string name;
  TaskKind kind = TaskKind::arithmetic;
  std::vector<std::int64_t> levels = {1};
  std::int64_t eval_level = 0;
  double weight = 1.0;
  std::string path;
  FileSplit split = FileSplit::hash;
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
  visit(
      "split", c.split, any(),
      "kind = \"jsonl\": side of the file's problems; hash holds about 1 in 8 out, train none, held_out all");
}

}  // namespace reckon
