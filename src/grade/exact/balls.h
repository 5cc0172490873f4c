#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "pool.h"

namespace reckon::exact {

/// Values of symbols and opaque nodes.
using Point = std::unordered_map<NodeId, Ball>;

/// The nodes that one or more others are made of, in an order in which each comes after its parts. Evaluates
/// them in balls; made once and used at many points.
class BallProgram {
 public:
  BallProgram(Pool& pool, const std::vector<NodeId>& wanted);

  /// Evaluates everything with about `precision` bits. \return false where the time is over; the values are
  /// then not to be used.
  bool run(const Point& point, long precision);
  /// Contains the value, or is not finite where there is none or no ball was found for it. A sum that nearly
  /// cancels has a ball that is wide for its value.
  [[nodiscard]] const Ball& value(NodeId node) const { return values_[index_.at(node)]; }

 private:
  void evaluate(NodeId id, const Point& point, long precision, Ball& result);
  void sum(const Node& node, long precision, Ball& result) const;
  void product(const Node& node, long precision, Ball& result) const;
  void formal_power(const Part& part, long precision, Ball& result) const;
  void function(const Node& node, long precision, Ball& result) const;
  [[nodiscard]] const Ball& part_value(const Node& node, std::size_t i) const {
    return value(node.parts[i].node);
  }

  Pool& pool_;
  std::vector<NodeId> order_;
  std::unordered_map<NodeId, std::size_t> index_;
  std::vector<Ball> values_;
};

/// The value of a constant; nothing where it is not finite, or time is over.
[[nodiscard]] std::optional<Ball> evaluate_constant(Pool& pool, NodeId node, long precision);

}  // namespace reckon::exact
