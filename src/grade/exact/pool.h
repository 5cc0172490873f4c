#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "budget.h"
#include "flint_types.h"
#include "grade/expr.h"

namespace reckon::exact {

using NodeId = std::uint32_t;

/// What a node of a normalised expression is. Everything else of Op is rewritten into these: x / y is a
/// product with exponent -1, tan x is sin x / cos x, 5 % is a number.
enum class Kind : std::uint8_t {
  undefined,  ///< without a value (1 / 0), or not computed: see Pool::stop()
  infinity,   ///< value is 1 or -1
  number,     ///< value
  symbol,     ///< name
  pi,
  imaginary,
  sum,       ///< value + sum of factor * node; at least one part, and never a single part 1 * node alone
  product,   ///< product of node ^ factor; no coefficient: that is the sum's around it
  power,     ///< parts: (base, exponent), where the exponent is no number
  radical,   ///< root of degree value (an integer >= 2) of parts[0]; see radical() in arithmetic.h
  function,  ///< op of parts
  opaque,    ///< op (and name) of parts: equal where these are
};

struct Part {
  NodeId node = 0;
  Rational factor = 1;  ///< coefficient in a sum, exponent in a product, else 1
  bool operator==(const Part&) const = default;
};

struct Node {
  Kind kind = Kind::undefined;
  Op op = Op::number;
  std::string name = {};
  Rational value = {};
  std::vector<Part> parts = {};

  // Follow from the above.
  bool is_constant = true;   ///< no symbol and no opaque node in it
  bool is_real = false;      ///< a constant known to be real
  bool is_positive = false;  ///< a constant known to be real and positive
  bool is_rational = false;  ///< a rational function, over Q, of symbols and opaque nodes
  bool has_opaque = false;
  bool has_definite = false;   ///< an opaque node that stands for one value, such as an integral
  bool needs_complex = false;  ///< conjugate, real or imaginary part of something with variables
  double degree = 0;  ///< upper bound of the degrees of a rational function's numerator and denominator
};

/// The nodes of one comparison. Equal nodes have one id, and a node's id is above those of its parts.
class Pool {
 public:
  explicit Pool(Budget& budget);

  [[nodiscard]] const Node& operator[](NodeId id) const { return nodes_[id]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  /// The id of a node whose parts stand in canonical order; derives the rest.
  NodeId intern(Node node);
  NodeId number(const Rational& value);
  NodeId symbol(const std::string& name);
  NodeId function(Op op, const std::vector<NodeId>& args);
  NodeId opaque(Op op, const std::string& name, const std::vector<NodeId>& args);
  NodeId infinity(int sign);
  [[nodiscard]] NodeId undefined() const { return 0; }
  [[nodiscard]] NodeId pi() const { return 1; }
  [[nodiscard]] NodeId imaginary() const { return 2; }

  /// Tells that a constant is real and positive, where balls show it and its shape does not.
  void mark_positive(NodeId id) { nodes_[id].is_positive = nodes_[id].is_real = true; }
  /// Tells that a constant is real.
  void mark_real(NodeId id) { nodes_[id].is_real = true; }

  /// Why a node could not be built.
  enum class Stop : std::uint8_t { none, refused, timeout };
  /// Remembers the first reason. \return undefined().
  NodeId stop(Stop why);
  [[nodiscard]] Stop stopped() const { return stopped_; }
  /// False once time, steps or nodes are used up; remembers it as a timeout.
  bool spend(std::uint64_t steps = 1);
  /// Whether a value of so many bits may be computed; if not, remembers that one was too large.
  bool fits(double bits);
  [[nodiscard]] bool met_large() const { return met_large_; }

 private:
  static constexpr std::size_t kMaxNodes = 60'000;
  static constexpr double kMaxTotalBits = 8.0 * 32 * 1024 * 1024;  // 32 MB

  // A deque: references to nodes stay good while others are added.
  std::deque<Node> nodes_;
  std::unordered_multimap<std::size_t, NodeId> by_hash_;
  Budget& budget_;
  Stop stopped_ = Stop::none;
  bool met_large_ = false;
  double total_bits_ = 0;
};

}  // namespace reckon::exact
