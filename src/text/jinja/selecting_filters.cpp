#include <algorithm>
#include <map>
#include <memory>

#include "arguments.h"
#include "filters.h"
#include "methods.h"
#include "operators.h"
#include "print.h"
#include "tests.h"

namespace reckon::jinja {
namespace {

/// The arguments behind the first `num_taken` positional ones.
Arguments without_first(const Arguments& arguments, std::size_t num_taken) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(num_taken));
  return rest;
}

std::size_t deepest(const Value& input, const Arguments& arguments) {
  std::size_t depth = depth_of(input);
  for (const Value& value : arguments.positional) depth = std::max(depth, depth_of(value));
  for (const auto& [name, value] : arguments.named) depth = std::max(depth, depth_of(value));
  return depth;
}

/// The text of the name of a filter or test. \throws Failure where it is no string or names none.
template <class Found>
Found named(Budget& budget, const char* what, const Value& name, Found (*find)(std::string_view)) {
  const Found found = name.text() ? find(*name.text()) : nullptr;
  if (!found) throw Failure(std::string("there is no ") + what + " " + to_repr(budget, name));
  return found;
}

using Mapping = std::function<Value(const Value&)>;

Mapping attribute_mapping(Budget& budget, const Arguments& arguments) {
  std::optional<Value> attribute;
  std::optional<Value> otherwise;
  for (const auto& [name, value] : arguments.named) {
    if (name == "attribute") {
      attribute = value;
    } else if (name == "default") {
      if (!value.is<None>()) otherwise = value;
    } else {
      throw Failure("'map' has no argument '" + name + "'");
    }
  }
  return [&budget, attribute, otherwise](const Value& item) {
    return item_by_path(budget, item, *attribute, otherwise ? &*otherwise : nullptr);
  };
}

Mapping mapping(Budget& budget, const Arguments& arguments) {
  const bool by_attribute =
      arguments.positional.empty() && std::any_of(arguments.named.begin(), arguments.named.end(),
                                                  [](const auto& a) { return a.first == "attribute"; });
  if (by_attribute) return attribute_mapping(budget, arguments);
  if (arguments.positional.empty()) throw Failure("'map' needs the name of a filter, or 'attribute'");
  const Filter filter = named<Filter>(budget, "filter", arguments.positional[0], find_filter);
  return [&budget, filter, rest = without_first(arguments, 1)](const Value& item) {
    return filter(budget, item, rest);
  };
}

Value filter_map(Budget& budget, const Value& input, const Arguments& arguments) {
  // Python's generator looks at its arguments and its input when the first value is asked for.
  struct State {
    Pull next;
    Mapping map;
  };
  auto state = std::make_shared<State>();
  const Pull pull = [&budget, input, arguments, state]() -> std::optional<Value> {
    if (!truth(input)) return std::nullopt;
    if (!state->map) {
      state->map = mapping(budget, arguments);
      state->next = iterate(budget, input);
    }
    budget.spend();
    const auto item = state->next();
    if (!item) return std::nullopt;
    return state->map(*item);
  };
  return generator(budget, pull, deepest(input, arguments));
}

using Condition = std::function<bool(const Value&)>;

/// The test that the arguments name, of the item or of its attribute.
Condition condition(Budget& budget, const Arguments& arguments, bool of_attribute) {
  const std::size_t num_before = of_attribute ? 1 : 0;
  std::optional<Value> attribute;
  if (of_attribute) {
    if (arguments.positional.empty()) throw Failure("the name of the attribute is missing");
    attribute = arguments.positional[0];
  }
  const auto looked_at = [&budget, attribute](const Value& item) {
    return attribute ? item_by_path(budget, item, *attribute) : item;
  };
  if (arguments.positional.size() == num_before) {
    return [looked_at](const Value& item) { return truth(looked_at(item)); };
  }
  const Test test = named<Test>(budget, "test", arguments.positional[num_before], find_test);
  return [&budget, looked_at, test, rest = without_first(arguments, num_before + 1)](const Value& item) {
    return test(budget, looked_at(item), rest);
  };
}

template <bool wanted, bool of_attribute>
Value filter_select(Budget& budget, const Value& input, const Arguments& arguments) {
  struct State {
    Pull next;
    Condition condition;
  };
  auto state = std::make_shared<State>();
  const Pull pull = [&budget, input, arguments, state]() -> std::optional<Value> {
    if (!truth(input)) return std::nullopt;
    if (!state->condition) {
      state->condition = condition(budget, arguments, of_attribute);
      state->next = iterate(budget, input);
    }
    while (auto item = state->next()) {
      budget.spend();
      if (state->condition(*item) == wanted) return item;
    }
    return std::nullopt;
  };
  return generator(budget, pull, deepest(input, arguments));
}

}  // namespace

Filter find_selecting_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"map", filter_map},
      {"reject", filter_select<false, false>},
      {"rejectattr", filter_select<false, true>},
      {"select", filter_select<true, false>},
      {"selectattr", filter_select<true, true>},
  };
  const auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

Filter find_filter(std::string_view name) {
  for (const auto find :
       {find_text_filter, find_number_filter, find_sequence_filter, find_selecting_filter}) {
    if (const Filter filter = find(name)) return filter;
  }
  return nullptr;
}

}  // namespace reckon::jinja
