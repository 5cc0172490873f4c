#include "tests.h"

#include <cmath>
#include <map>

#include "arguments.h"
#include "filters.h"
#include "methods.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

void take_none(const char* name, const Arguments& arguments) {
  const Parameters given(name, arguments, {});
}

bool test_boolean(Budget&, const Value& value, const Arguments& arguments) {
  take_none("boolean", arguments);
  return value.is<bool>();
}
bool test_callable(Budget&, const Value& value, const Arguments& arguments) {
  take_none("callable", arguments);
  // jinja2's undefined and loop objects are callable, if only to complain.
  return value.as<const Function>() || value.is<Undefined>() || value.as<Loop>();
}
bool test_defined(Budget&, const Value& value, const Arguments& arguments) {
  take_none("defined", arguments);
  return !value.is<Undefined>();
}
bool test_undefined(Budget&, const Value& value, const Arguments& arguments) {
  take_none("undefined", arguments);
  return value.is<Undefined>();
}
bool test_escaped(Budget&, const Value& value, const Arguments& arguments) {
  take_none("escaped", arguments);
  return value.text() && value.as<const String>()->markup;
}
bool test_false(Budget&, const Value& value, const Arguments& arguments) {
  take_none("false", arguments);
  return value.is<bool>() && !*value.get<bool>();
}
bool test_true(Budget&, const Value& value, const Arguments& arguments) {
  take_none("true", arguments);
  return value.is<bool>() && *value.get<bool>();
}
bool test_float(Budget&, const Value& value, const Arguments& arguments) {
  take_none("float", arguments);
  return value.is<double>();
}
bool test_integer(Budget&, const Value& value, const Arguments& arguments) {
  take_none("integer", arguments);
  return value.is<Integer>();
}
bool test_number(Budget&, const Value& value, const Arguments& arguments) {
  take_none("number", arguments);
  return as_real(value).has_value();
}
bool test_none(Budget&, const Value& value, const Arguments& arguments) {
  take_none("none", arguments);
  return value.is<None>();
}
bool test_string(Budget&, const Value& value, const Arguments& arguments) {
  take_none("string", arguments);
  return value.text() != nullptr;
}
bool test_mapping(Budget&, const Value& value, const Arguments& arguments) {
  take_none("mapping", arguments);
  return value.as<const Dict>() != nullptr;
}
bool test_iterable(Budget&, const Value& value, const Arguments& arguments) {
  take_none("iterable", arguments);
  return is_iterable(value);
}
bool test_sequence(Budget&, const Value& value, const Arguments& arguments) {
  take_none("sequence", arguments);
  return value.text() || value.items() || value.as<const Dict>() || value.as<const Range>() ||
         value.is<Undefined>();
}

bool divides(Budget& budget, const Value& value, const Value& divisor, Integer remainder) {
  return equal(budget, apply(budget, Operator::modulo, value, divisor), integer(remainder));
}
bool test_divisibleby(Budget& budget, const Value& value, const Arguments& arguments) {
  const Parameters given("divisibleby", arguments, {"num"}, 1);
  return divides(budget, value, *given.at(0), 0);
}
bool test_even(Budget& budget, const Value& value, const Arguments& arguments) {
  take_none("even", arguments);
  return divides(budget, value, integer(2), 0);
}
bool test_odd(Budget& budget, const Value& value, const Arguments& arguments) {
  take_none("odd", arguments);
  return divides(budget, value, integer(2), 1);
}

/// "lower" and "upper" look at the text of the value.
template <bool is_upper>
bool test_case(Budget& budget, const Value& value, const Arguments& arguments) {
  take_none(is_upper ? "upper" : "lower", arguments);
  const Value text = string(to_text(budget, value));
  const Method method = find_string_method(is_upper ? "isupper" : "islower");
  return *method(budget, text, Arguments()).get<bool>();
}

template <Relation relation>
bool test_relation(Budget& budget, const Value& value, const Arguments& arguments) {
  const Parameters given("comparison", arguments, {"other"}, 1);
  return compare(budget, relation, value, *given.at(0));
}
bool test_sameas(Budget&, const Value& value, const Arguments& arguments) {
  const Parameters given("sameas", arguments, {"other"}, 1);
  return is_same(value, *given.at(0));
}
bool test_filter(Budget&, const Value& value, const Arguments& arguments) {
  take_none("filter", arguments);
  return value.text() && find_filter(*value.text()) != nullptr;
}
bool test_test(Budget&, const Value& value, const Arguments& arguments) {
  take_none("test", arguments);
  return value.text() && find_test(*value.text()) != nullptr;
}

}  // namespace

Test find_test(std::string_view name) {
  static const std::map<std::string_view, Test> kTests = {
      {"!=", test_relation<Relation::not_equal>},
      {"<", test_relation<Relation::less>},
      {"<=", test_relation<Relation::less_equal>},
      {"==", test_relation<Relation::equal>},
      {">", test_relation<Relation::greater>},
      {">=", test_relation<Relation::greater_equal>},
      {"boolean", test_boolean},
      {"callable", test_callable},
      {"defined", test_defined},
      {"divisibleby", test_divisibleby},
      {"eq", test_relation<Relation::equal>},
      {"equalto", test_relation<Relation::equal>},
      {"escaped", test_escaped},
      {"even", test_even},
      {"false", test_false},
      {"filter", test_filter},
      {"float", test_float},
      {"ge", test_relation<Relation::greater_equal>},
      {"greaterthan", test_relation<Relation::greater>},
      {"gt", test_relation<Relation::greater>},
      {"in", test_relation<Relation::in>},
      {"integer", test_integer},
      {"iterable", test_iterable},
      {"le", test_relation<Relation::less_equal>},
      {"lessthan", test_relation<Relation::less>},
      {"lower", test_case<false>},
      {"lt", test_relation<Relation::less>},
      {"mapping", test_mapping},
      {"ne", test_relation<Relation::not_equal>},
      {"none", test_none},
      {"number", test_number},
      {"odd", test_odd},
      {"sameas", test_sameas},
      {"sequence", test_sequence},
      {"string", test_string},
      {"test", test_test},
      {"true", test_true},
      {"undefined", test_undefined},
      {"upper", test_case<true>},
  };
  const auto found = kTests.find(name);
  return found == kTests.end() ? nullptr : found->second;
}

}  // namespace reckon::jinja
