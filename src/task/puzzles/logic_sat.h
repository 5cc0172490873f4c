#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reckon {

/// Literals of a clause: k for xk, -k for NOT xk, k from 1.
using LogicClause = std::vector<std::int64_t>;

struct LogicSatResult {
  bool satisfiable = false;
  std::vector<bool> values;  ///< of x1, x2, ..., where satisfiable
  std::string steps;         ///< the search: one line a choice, with what follows from it and by which clause
};

/// Complete search with unit propagation (Davis, Logemann and Loveland, 1962): a formula is called
/// unsatisfiable only where every branch has failed.
[[nodiscard]] LogicSatResult logic_solve_sat(std::size_t num_variables,
                                             const std::vector<LogicClause>& clauses);

/// Whether an assignment makes a literal of every clause true.
[[nodiscard]] bool logic_satisfies(const std::vector<bool>& values, const std::vector<LogicClause>& clauses);

}  // namespace reckon
