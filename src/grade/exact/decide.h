#pragma once

#include <optional>

#include "grade/compare_scalars.h"
#include "pool.h"

namespace reckon::exact {

/// Asks whether two constants are equal, of something slower and stronger: see certify/certifier.h.
using Certify = Equality (*)(const Expr& a, const Expr& b);

/// Decides between nodes of one pool. grading.md, section 2.4.
class Decider {
 public:
  Decider(Pool& pool, Certify certify) : pool_(pool), certify_(certify) {}

  Equality equal(NodeId a, NodeId b);
  /// The sign of a real constant.
  std::optional<int> sign(NodeId x);
  /// f = c g for a constant c, other than 0 (and positive, where that is asked).
  Equality proportional(NodeId f, NodeId g, Factor factor);

 private:
  static constexpr int kMaxDepth = 4;

  Equality compare(NodeId a, NodeId b);
  Equality constants(NodeId a, NodeId b, NodeId difference);
  Equality certified(NodeId difference);
  Equality in_variables(NodeId a, NodeId b, NodeId difference);
  Equality without_value(NodeId a, NodeId b);
  std::optional<Equality> merge_opaque(NodeId a, NodeId b);
  bool same_parts(NodeId a, NodeId b);
  Equality proportional_as_is(NodeId f, NodeId g, Factor factor);
  /// What to answer when nothing was shown.
  [[nodiscard]] Equality open() const;

  Pool& pool_;
  Certify certify_;
  int depth_ = 0;
};

/// The tree of a constant, for the certifier; nothing where it is too large for it, or has something that the
/// certifier does not know.
[[nodiscard]] std::optional<Expr> constant_tree(const Pool& pool, NodeId node);

}  // namespace reckon::exact
