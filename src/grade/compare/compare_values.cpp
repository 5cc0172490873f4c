#include "compare_values.h"

#include <algorithm>
#include <optional>

#include "compare_answers.h"
#include "expr_build.h"
#include "parse/units.h"

namespace reckon {
namespace {

/// Fewest digits behind the point with which a decimal stands for an exact gold.
constexpr std::int64_t kMinRoundedDigits = 3;

/// The literal of a decimal, within its sign and its power of ten.
const Expr& literal_of(const Expr& decimal) {
  return decimal.op == Op::number ? decimal : literal_of(decimal.args.at(0));
}

/// A value and what was written around it.
struct Measured {
  Expr value;
  std::string unit;
  bool percent = false;
  bool degrees = false;
};

Measured measured(const Expr& expr) {
  Measured result;
  switch (expr.op) {
    case Op::quantity:
      result = measured(expr.args.at(0));
      result.unit = expr.name;
      return result;
    case Op::percent:
      result.value = expr.args.at(0);
      result.percent = true;
      return result;
    case Op::degrees:
      result.value = expr.args.at(0);
      result.degrees = true;
      return result;
    case Op::negate:
      result = measured(expr.args.at(0));
      result.value = make_node(Op::negate, {std::move(result.value)});
      return result;
    default:
      result.value = expr;
      return result;
  }
}

/// Whether a unit, such as km/h or cm^2, is made of units of the closed list.
bool is_unit(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
  };
  bool has_word = false;
  for (std::size_t at = 0; at < name.size();) {
    std::size_t end = at;
    while (end < name.size() && is_letter(name[end])) ++end;
    if (end > at && !find_unit(name.substr(at, end - at), true)) return false;
    has_word = has_word || end > at;
    at = end + 1;
  }
  return has_word;
}

bool has_op(const Expr& expr, Op op) {
  return expr.op == op ||
         std::any_of(expr.args.begin(), expr.args.end(), [op](const Expr& arg) { return has_op(arg, op); });
}

/// The decimal places of a number written with a point: value = n * 10^-places; nothing where it is exact.
std::optional<std::int64_t> decimal_places(const Expr& expr) {
  if (expr.op == Op::negate) return decimal_places(expr.args.at(0));
  if (expr.op == Op::number && expr.has_point) return expr.num_fraction_digits - expr.exponent10;
  if (expr.op != Op::multiply || expr.args.size() != 2) return std::nullopt;
  const Expr& scale = expr.args[1];  // a \times 10^n
  if (scale.op != Op::power || scale.args[0].op != Op::number || scale.args[0].digits != "10")
    return std::nullopt;
  const auto places = decimal_places(expr.args[0]);
  const auto exponent = rational_value(scale.args[1]);
  if (!places || !exponent || exponent->size() > 6 || exponent->find('/') != std::string::npos)
    return std::nullopt;
  return *places - std::stoll(*exponent);
}

/// 0.5 * 10^-places
Expr half_unit(std::int64_t places) {
  Expr half;
  half.digits = "5";
  half.exponent10 = -places - 1;
  return half;
}

Expr relative_tolerance(const Expr& gold) {
  Expr factor;
  factor.digits = "1";
  factor.exponent10 = -4;
  return make_node(Op::multiply, {factor, make_node(Op::absolute, {gold})});
}

/// \return nothing where rounding has no part in it
std::optional<Equality> compare_rounded(const Expr& gold, const Expr& pred) {
  if (has_op(pred, Op::symbol) || has_op(gold, Op::symbol)) return std::nullopt;
  if (const auto places = decimal_places(gold)) {
    const Equality near = within(pred, gold, half_unit(*places));
    if (near != Equality::equal || rational_value(gold) == "0") return near;
    return within(pred, gold, relative_tolerance(gold));
  }
  const auto places = decimal_places(pred);
  // 0.001 for 1/1024 has the places and not the digits.
  const bool stands_for_exact = places && *places >= kMinRoundedDigits &&
                                literal_of(pred).digits.size() >= static_cast<std::size_t>(kMinRoundedDigits);
  if (stands_for_exact) return within(pred, gold, half_unit(*places));
  return std::nullopt;
}

Equality compare_plain(const Expr& gold, const Expr& pred) {
  const Equality exact = equal_values(gold, pred);
  if (exact != Equality::different) return exact;
  return compare_rounded(gold, pred).value_or(Equality::different);
}

/// An angle in degrees is written with the sign, without it, or in radians as a multiple of pi.
Equality compare_degrees(const Measured& gold, const Measured& pred) {
  const auto radians = [](const Measured& side) { return !side.degrees && (has_op(side.value, Op::pi)); };
  if (!radians(gold) && !radians(pred)) return compare_plain(gold.value, pred.value);
  const auto angle = [&](const Measured& side) {
    return radians(side) ? side.value : make_node(Op::degrees, {side.value});
  };
  return equal_values(angle(gold), angle(pred));
}

Equality compare_measured(const Measured& gold, const Measured& pred) {
  if (!pred.unit.empty() && gold.unit != pred.unit) {
    // A unit may be added, not exchanged; and words that are no unit say something else: 5 dozen.
    if (!gold.unit.empty() || !is_unit(pred.unit)) return Equality::different;
  }
  if (gold.degrees || pred.degrees) {
    return gold.percent || pred.percent ? Equality::different : compare_degrees(gold, pred);
  }
  if (gold.percent == pred.percent) return compare_plain(gold.value, pred.value);
  const auto hundredth = [](const Expr& value) { return make_node(Op::percent, {value}); };
  if (pred.percent) return compare_plain(gold.value, hundredth(pred.value));
  const Equality as_share = compare_plain(hundredth(gold.value), pred.value);
  return as_share == Equality::equal ? as_share : compare_plain(gold.value, pred.value);
}

/// 10:15 may be a time of day or a ratio; 2:3 is a ratio alone.
bool may_be_time(const Expr& ratio) {
  const auto is_minute = [](const Expr& part) {
    return part.op == Op::number && !part.has_point && part.digits.size() == 2 && part.digits < "60";
  };
  return ratio.clock ||
         (ratio.args.size() == 2 && is_minute(ratio.args[1]) && ratio.args[0].op == Op::number &&
          (ratio.args[0].digits.size() == 1 ||
           (ratio.args[0].digits.size() == 2 && ratio.args[0].digits < "25")));
}

bool is_zero(const Expr& expr) {
  return equal_values(expr, make_integer(0)) == Equality::equal;
}

bool same_clock(const Expr& gold, const Expr& pred) {
  const auto same_part = [](const Expr& a, const Expr& b) { return equal_values(a, b) == Equality::equal; };
  const bool halves_agree = gold.name.empty() || pred.name.empty() || gold.name == pred.name;
  return halves_agree &&
         std::equal(gold.args.begin(), gold.args.end(), pred.args.begin(), pred.args.end(), same_part);
}

Equality compare_ratios(const Expr& gold, const Expr& pred) {
  if (gold.op != Op::ratio || pred.op != Op::ratio) {
    const Expr& ratio = gold.op == Op::ratio ? gold : pred;
    const Expr& other = gold.op == Op::ratio ? pred : gold;
    // A single number is no time of day, and no ratio of three.
    if (ratio.clock || ratio.args.size() != 2) return Equality::different;
    return equal_values(make_node(Op::divide, ratio.args), other);
  }
  if (gold.args.size() != pred.args.size()) return Equality::different;
  if (may_be_time(gold) && may_be_time(pred))
    return same_clock(gold, pred) ? Equality::equal : Equality::different;
  for (std::size_t i = 0; i < gold.args.size(); ++i) {
    if (is_zero(gold.args[i]) != is_zero(pred.args[i])) return Equality::different;  // 0 : 0 is no ratio
  }
  Equality result = Equality::equal;  // a : b = c : d where a d = b c
  for (std::size_t i = 0; i + 1 < gold.args.size() && result != Equality::different; ++i) {
    result = both(result, equal_values(make_node(Op::multiply, {gold.args[i], pred.args[i + 1]}),
                                       make_node(Op::multiply, {gold.args[i + 1], pred.args[i]})));
  }
  return result;
}

/// 204_{10} as 204; nothing where it has other digits.
std::optional<Expr> plain_number(const Expr& based) {
  if (based.name.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  Expr number;
  number.digits = based.name.substr(std::min(based.name.find_first_not_of('0'), based.name.size() - 1));
  return number;
}

bool is_base_ten(const Expr& expr) {
  return !expr.args.empty() && rational_value(expr.args[0]) == "10";
}

Equality compare_based(const Expr& gold, const Expr& pred) {
  if (gold.op == Op::based_number && pred.op == Op::based_number) {
    const bool same_base = equal_values(gold.args.at(0), pred.args.at(0)) == Equality::equal;
    return same_base && gold.name == pred.name ? Equality::equal : Equality::different;
  }
  // Digits in base ten are a plain number; in another base, the base belongs to the answer.
  const Expr& based = gold.op == Op::based_number ? gold : pred;
  const auto number = is_base_ten(based) ? plain_number(based) : std::nullopt;
  return number ? equal_values(*number, gold.op == Op::based_number ? pred : gold) : Equality::different;
}

}  // namespace

bool is_decimal(const Expr& expr) {
  const Measured parts = measured(expr);
  return decimal_places(parts.value).has_value();
}

Equality compare_values(const Expr& gold, const Expr& pred) {
  if (gold.op == Op::text || pred.op == Op::text) {
    return gold.op == pred.op && gold.name == pred.name ? Equality::equal : Equality::different;
  }
  if (gold.op == Op::ratio || pred.op == Op::ratio) return compare_ratios(gold, pred);
  if (gold.op == Op::based_number || pred.op == Op::based_number) return compare_based(gold, pred);
  return compare_measured(measured(gold), measured(pred));
}

}  // namespace reckon
