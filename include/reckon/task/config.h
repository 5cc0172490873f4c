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
  command = 3,
  countdown = 10,
  game24 = 11,
  mini_sudoku = 12,
  sudoku = 13,
  futoshiki = 14,
  n_queens = 15,
  hanoi = 16,
  cryptarithm = 17,
  shortest_path = 18,
  graph_colouring = 19,
  prerequisites = 20,
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
                    EnumName{TaskKind::command, "command"},
                    EnumName{TaskKind::countdown, "countdown"},
                    EnumName{TaskKind::game24, "game24"},
                    EnumName{TaskKind::mini_sudoku, "mini_sudoku"},
                    EnumName{TaskKind::sudoku, "sudoku"},
                    EnumName{TaskKind::futoshiki, "futoshiki"},
                    EnumName{TaskKind::n_queens, "n_queens"},
                    EnumName{TaskKind::hanoi, "hanoi"},
                    EnumName{TaskKind::cryptarithm, "cryptarithm"},
                    EnumName{TaskKind::shortest_path, "shortest_path"},
                    EnumName{TaskKind::graph_colouring, "graph_colouring"},
                    EnumName{TaskKind::prerequisites, "prerequisites"},
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

/// A program of the user that grades answers, and its limits: see docs/own-task.md.
struct ProgramConfig {
  std::vector<std::string> command;
  double start_seconds = 60;
  double grade_seconds = 10;
  std::int64_t memory_mb = 4096;
  std::int64_t max_restarts = 3;
  std::int64_t max_line_bytes = 1 << 20;

  friend bool operator==(const ProgramConfig&, const ProgramConfig&) = default;
};

template <class Visitor>
void describe(Visitor& visit, ProgramConfig& c) {
  visit("command", c.command, required(), "the program and its arguments; started without a shell");
  visit("start_seconds", c.start_seconds, above(0), "time for its first line");
  visit("grade_seconds", c.grade_seconds, above(0),
        "time for one answer; an answer that takes longer is wrong");
  visit("memory_mb", c.memory_mb, between(16, 1 << 24), "MiB of private memory of each of its processes");
  visit("max_restarts", c.max_restarts, between(0, 1000),
        "starts in a row that may fail once it has worked; then the run stops");
  visit("max_line_bytes", c.max_line_bytes, between(1024, 1 << 30), "longest line it may write");
}

/// A program that makes problems too.
struct SourceConfig : ProgramConfig {
  double problem_seconds = 30;

  friend bool operator==(const SourceConfig&, const SourceConfig&) = default;
};

template <class Visitor>
void describe(Visitor& visit, SourceConfig& c) {
  describe(visit, static_cast<ProgramConfig&>(c));
  visit("problem_seconds", c.problem_seconds, above(0), "time for one problem");
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
  SourceConfig source;
  ProgramConfig grader;
};

template <class Visitor>
void describe(Visitor& visit, TaskConfig& c) {
  visit("name", c.name, required(), "name of the task, unique in the recipe");
  visit("kind", c.kind, required(), "which generator or reader makes the problems");
  visit("levels", c.levels, between(1, 100), "levels drawn from in training, each equally often");
  visit("eval_level", c.eval_level, between(0, 100),
        "level of the held-out problems; 0 is the last of levels");
  visit("weight", c.weight, above(0), "how often the task is drawn, relative to the others of its stage");
  visit("path", c.path, any(), "kind = \"jsonl\": file with a problem and its solution a line");
  visit(
      "split", c.split, any(),
      "kind = \"jsonl\": side of the file's problems; hash holds about 1 in 8 out, train none, held_out all");
  if (sees_unused<Visitor>() || c.kind == TaskKind::command)
    visit("source", c.source, any(), "kind = \"command\": the program that makes and grades the problems");
  if (sees_unused<Visitor>() || !c.grader.command.empty())
    visit("grader", c.grader, any(),
          "kind = \"jsonl\": a program that grades; without one the answers are compared");
}

}  // namespace reckon
