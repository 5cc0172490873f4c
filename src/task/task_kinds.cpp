#include "generated_task.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

struct Maker {
  TaskKind kind;
  std::unique_ptr<Task> (*make)(std::string name);
};

/// Every kind but jsonl and command, which are made from a file or a program.
constexpr Maker kMakers[] = {
    {TaskKind::arithmetic, make_arithmetic_task},
    {TaskKind::knights, make_knights_task},
    {TaskKind::countdown, make_countdown_task},
    {TaskKind::game24, make_game24_task},
    {TaskKind::mini_sudoku, make_mini_sudoku_task},
    {TaskKind::sudoku, make_sudoku_task},
    {TaskKind::futoshiki, make_futoshiki_task},
    {TaskKind::n_queens, make_n_queens_task},
    {TaskKind::hanoi, make_hanoi_task},
    {TaskKind::cryptarithm, make_cryptarithm_task},
    {TaskKind::shortest_path, make_shortest_path_task},
    {TaskKind::graph_colouring, make_graph_colouring_task},
    {TaskKind::prerequisites, make_prerequisites_task},
    {TaskKind::zebra, make_zebra_task},
    {TaskKind::entailment, make_entailment_task},
    {TaskKind::sat, make_sat_task},
    {TaskKind::circuit, make_circuit_task},
    {TaskKind::syllogism, make_syllogism_task},
    {TaskKind::calendar, make_calendar_task},
    {TaskKind::family, make_family_task},
    {TaskKind::base_conversion, make_base_conversion_task},
    {TaskKind::modular_chain, make_modular_chain_task},
    {TaskKind::linear_equations, make_linear_equations_task},
    {TaskKind::multiplication, make_multiplication_task},
    {TaskKind::word_problem, make_word_problem_task},
};

}  // namespace

std::unique_ptr<Task> make_generated_task(TaskKind kind, std::string name) {
  for (const Maker& maker : kMakers) {
    if (maker.kind == kind) return maker.make(std::move(name));
  }
  throw Error(ExitCode::internal, "task \"" + name + "\": kind " + std::string(enum_name(kind)) +
                                      " has no generator (need a row in task_kinds.cpp)");
}

}  // namespace reckon
