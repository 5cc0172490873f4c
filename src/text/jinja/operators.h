#pragma once

#include <cstddef>
#include <optional>

#include "value.h"

// Python's operators on the values of a template. All throw Failure where Python raises.
namespace reckon::jinja {

enum class Operator { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class Relation { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

/// The message of an undefined value, as a Failure.
[[noreturn]] void fail_undefined(const Value& value);

[[nodiscard]] bool truth(const Value& value);
/// ==. Values of unlike types are unequal, but 1 == 1.0 == True.
[[nodiscard]] bool equal(Budget& budget, const Value& a, const Value& b);
/// a < b for numbers, strings, lists and tuples.
[[nodiscard]] bool less(Budget& budget, const Value& a, const Value& b);
[[nodiscard]] bool compare(Budget& budget, Relation relation, const Value& a, const Value& b);
[[nodiscard]] bool contains(Budget& budget, const Value& container, const Value& value);
/// Whether both are the same object, as far as that does not depend on how Python caches constants.
[[nodiscard]] bool is_same(const Value& a, const Value& b);

[[nodiscard]] Value apply(Budget& budget, Operator op, const Value& a, const Value& b);
[[nodiscard]] Value negate(const Value& value);
[[nodiscard]] Value plus(const Value& value);

/// len(), nothing for a type that has none.
[[nodiscard]] std::optional<std::size_t> length_of(const Value& value);
/// iter(). \throws Failure for a type that has none. Keeps the value alive.
[[nodiscard]] Pull iterate(Budget& budget, const Value& value);
[[nodiscard]] bool is_iterable(const Value& value);
/// list(): all values of an iteration.
[[nodiscard]] Values collect(Budget& budget, const Value& value);
/// The values in reverse order. \throws Failure where Python's reversed() does: for generators.
[[nodiscard]] Values collect_reversed(Budget& budget, const Value& value);

/// An int or a bool as a number, nothing for other types.
[[nodiscard]] std::optional<Integer> as_integer(const Value& value);
/// An int, bool or float as a number, nothing for other types.
[[nodiscard]] std::optional<double> as_real(const Value& value);
/// A key of a dict. \throws Failure for a list or dict.
void check_hashable(Budget& budget, const Value& value);

/// object[start:stop:step]; bounds that are not there are null.
[[nodiscard]] Value slice(Budget& budget, const Value& object, const Value* start, const Value* stop,
                          const Value* step);

}  // namespace reckon::jinja
