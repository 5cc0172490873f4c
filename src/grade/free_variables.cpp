#include <algorithm>

#include "compare_scalars.h"

namespace reckon {
namespace {

bool binds_its_variable(const Expr& expr) {
  switch (expr.op) {
    case Op::sum:
    case Op::product:
    case Op::limit:
      return expr.args.size() >= 2;
    case Op::integral:
      return expr.args.size() == 4;
    default:
      return false;
  }
}

void collect(const Expr& expr, std::vector<std::string>& bound, std::vector<std::string>& found) {
  if (expr.op == Op::symbol) {
    if (std::find(bound.begin(), bound.end(), expr.name) == bound.end()) found.push_back(expr.name);
    return;
  }
  const bool binds = binds_its_variable(expr);
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    if (!binds || i > 1) {
      collect(expr.args[i], bound, found);
    } else if (i == 0) {
      bound.push_back(expr.args[1].name);
      collect(expr.args[0], bound, found);
      bound.pop_back();
    }
  }
}

}  // namespace

std::vector<std::string> free_variables(const Expr& a) {
  std::vector<std::string> bound;
  std::vector<std::string> found;
  collect(a, bound, found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace reckon
