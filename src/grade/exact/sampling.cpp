#include "sampling.h"

#include <algorithm>

#include "arithmetic.h"
#include "balls.h"
#include "points.h"
#include "reckon/base/philox.h"

namespace reckon::exact {
namespace {

constexpr std::uint32_t kStreamName = 0x706F696Eu;
constexpr std::size_t kPointsPerPattern = 12;
constexpr std::size_t kMaxSignedVariables = 3;
constexpr int kMinDefined = 8;
constexpr long kAgreementBits = 200;

std::vector<NodeId> variables_of(const Pool& pool, const std::vector<NodeId>& roots) {
  std::vector<bool> seen(pool.size(), false);
  for (const NodeId root : roots) seen[root] = true;
  std::vector<NodeId> variables;
  for (std::size_t at = pool.size(); at-- > 0;) {
    if (!seen[at]) continue;
    const Node& node = pool[static_cast<NodeId>(at)];
    if (node.kind == Kind::symbol || node.kind == Kind::opaque) {
      variables.push_back(static_cast<NodeId>(at));
      continue;
    }
    for (const Part& part : node.parts) seen[part.node] = true;
  }
  std::reverse(variables.begin(), variables.end());
  return variables;
}

/// Whether there is a function that jumps at whole numbers, where no random point lies.
bool changes_at_whole_numbers(const Pool& pool) {
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const Op op = pool[static_cast<NodeId>(i)].op;
    if (op == Op::floor || op == Op::ceil || op == Op::mod) return true;
  }
  return false;
}

/// A rational with a denominator of 2^20 in (0, 1), (1, 10) or (-10, 0); a whole one from -10 to 10.
void draw(RandomStream& random, bool is_negative, bool is_whole, arb_ptr value) {
  constexpr std::uint32_t kScale = 1u << 20;
  if (is_whole) {
    const auto size = static_cast<std::int64_t>(1 + random.below(10));
    arb_set_si(value, is_negative ? -size : size);
    return;
  }
  std::int64_t numerator = 0;
  if (is_negative) {
    numerator = -1 - static_cast<std::int64_t>(random.below(10 * kScale - 1));
  } else if (random.below(2) == 0) {
    numerator = 1 + static_cast<std::int64_t>(random.below(kScale - 1));
  } else {
    numerator = kScale + 1 + static_cast<std::int64_t>(random.below(9 * kScale - 1));
  }
  arb_set_si(value, numerator);
  arb_mul_2exp_si(value, value, -20);
}

/// What one point says of a = b.
enum class Verdict : std::uint8_t { agree, differ, undefined, one_sided, unclear, out_of_time };

class Comparison {
 public:
  Comparison(Pool& pool, NodeId a, NodeId b)
      : a_(a), difference_(subtract(pool, a, b)), b_(b), program_(pool, {a, b, difference_}) {}

  Verdict at(const Point& point) {
    for (const long precision : {256, 1024}) {
      if (!program_.run(point, precision)) return Verdict::out_of_time;
      const bool has_a = acb_is_finite(program_.value(a_).get()) != 0;
      const bool has_b = acb_is_finite(program_.value(b_).get()) != 0;
      const Ball& difference = program_.value(difference_);
      if (has_a && has_b && acb_is_finite(difference.get()) != 0) {
        if (acb_contains_zero(difference.get()) == 0) return Verdict::differ;
        if (is_narrow(difference)) return Verdict::agree;
      } else if (precision == 1024) {
        return has_a == has_b ? Verdict::undefined : Verdict::one_sided;
      }
    }
    return Verdict::unclear;
  }

 private:
  /// A ball around 0 that is small against a counts as agreement; a wide one says nothing.
  [[nodiscard]] bool is_narrow(const Ball& difference) const {
    mag_t width;
    mag_t size;
    mag_init(width);
    mag_init(size);
    acb_get_mag(width, difference.get());
    acb_get_mag_lower(size, program_.value(a_).get());
    mag_mul_2exp_si(width, width, kAgreementBits);
    if (mag_cmp_2exp_si(size, 0) < 0) mag_one(size);
    const bool result = mag_cmp(width, size) <= 0;
    mag_clear(width);
    mag_clear(size);
    return result;
  }

  NodeId a_;
  NodeId difference_;
  NodeId b_;
  BallProgram program_;
};

enum class PointKind : std::uint8_t { real, complex, whole };

/// One point for a pattern: bit i is the sign of variable i.
Point draw_point(RandomStream& random, const std::vector<NodeId>& variables, std::uint32_t pattern,
                 PointKind kind) {
  Point point;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const bool is_signed = i < kMaxSignedVariables;
    const bool is_negative = is_signed ? (pattern >> i & 1u) != 0 : random.below(2) != 0;
    Ball& value = point[variables[i]];
    draw(random, is_negative, kind == PointKind::whole, value.real());
    if (kind == PointKind::complex) draw(random, random.below(2) != 0, false, value.imag());
  }
  return point;
}

}  // namespace

Outcome zero_at_points(Pool& pool, NodeId a, NodeId b) {
  const std::vector<NodeId> variables = variables_of(pool, {a, b});
  Comparison comparison(pool, a, b);
  if (pool.stopped() != Pool::Stop::none) return Outcome::unknown;
  RandomStream random(point_seed(), kStreamName);
  const std::uint32_t num_patterns = 1u << std::min(variables.size(), kMaxSignedVariables);
  const bool has_conjugates = pool[a].needs_complex || pool[b].needs_complex;
  const bool has_steps = changes_at_whole_numbers(pool);
  int num_defined = 0;
  bool is_one_sided = false;
  for (std::size_t round = 0; round < kPointsPerPattern * (has_conjugates ? 2 : 1); ++round) {
    for (std::uint32_t pattern = 0; pattern < num_patterns; ++pattern) {
      PointKind kind = has_conjugates && round % 2 == 0 ? PointKind::complex : PointKind::real;
      if (has_steps && round % 4 == 1) kind = PointKind::whole;
      switch (comparison.at(draw_point(random, variables, pattern, kind))) {
        case Verdict::differ:
          return Outcome::nonzero;
        case Verdict::out_of_time:
          return Outcome::unknown;
        case Verdict::agree:
          ++num_defined;
          break;
        case Verdict::one_sided:
          is_one_sided = is_one_sided || kind != PointKind::whole;  // an isolated point, such as a pole
          break;
        default:
          break;
      }
    }
  }
  return num_defined >= kMinDefined && !is_one_sided ? Outcome::zero : Outcome::unknown;
}

}  // namespace reckon::exact
