#include <algorithm>
#include <map>
#include <memory>

#include "arguments.h"
#include "filters.h"
#include "letters.h"
#include "methods.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

/// What sort, unique, min and max compare: strings without regard to case, unless asked for.
Value comparable(Budget& budget, Value value, bool case_sensitive) {
  const auto* text = value.text();
  if (case_sensitive || !text) return value;
  budget.spend_text(text->size());
  return string(lower(*text));
}

Value key_of(Budget& budget, const Value& item, const Value* attribute, bool case_sensitive) {
  return comparable(budget, attribute ? item_by_path(budget, item, *attribute) : item, case_sensitive);
}

/// Sorts by keys, keeping the order of equal ones, downwards too.
Values sorted_by(Budget& budget, const Values& values, const Values& keys, bool reverse) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return reverse ? less(budget, keys[b], keys[a]) : less(budget, keys[a], keys[b]);
  });
  Values result;
  for (const std::size_t i : order) result.push_back(values[i]);
  return result;
}

Value filter_sort(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Values values = collect(budget, input);
  std::vector<Value> attributes;  // "a,b" sorts by a, then by b
  if (given.some(2) && given.at(2)->text()) {
    std::string_view rest = *given.at(2)->text();
    while (true) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      attributes.push_back(string(std::string(rest.substr(0, comma))));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  } else if (given.some(2)) {
    attributes.push_back(*given.at(2));
  }
  Values keys;
  for (const Value& item : values) {
    Values parts;
    for (const Value& attribute : attributes)
      parts.push_back(key_of(budget, item, &attribute, given.flag(1, false)));
    if (attributes.empty()) parts.push_back(key_of(budget, item, nullptr, given.flag(1, false)));
    keys.push_back(list(budget, std::move(parts)));
  }
  return list(budget, sorted_by(budget, values, keys, given.flag(0, false)));
}

Value filter_dictsort(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const auto* dict = input.as<const Dict>();
  if (input.is<Undefined>()) fail_undefined(input);
  if (!dict) throw Failure("'dictsort' needs a dict, not a value of type '" + type_name(input) + "'");
  const std::string by = given.text(1, "key");
  if (by != "key" && by != "value")
    throw Failure("'dictsort' sorts by 'key' or 'value', not by '" + by + "'");
  Values pairs;
  Values keys;
  for (const auto& [key, value] : dict->entries) {
    pairs.push_back(tuple(budget, {key, value}));
    keys.push_back(comparable(budget, by == "key" ? key : value, given.flag(0, false)));
  }
  return list(budget, sorted_by(budget, pairs, keys, given.flag(2, false)));
}

Value filter_unique(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("unique", arguments, {"case_sensitive", "attribute"});
  struct State {
    Pull next;
    Dict seen;
  };
  const Pull pull = [&budget, input, case_sensitive = given.flag(0, false),
                     attribute = given.some(1) ? std::optional<Value>(*given.at(1)) : std::nullopt,
                     state = std::make_shared<State>()]() -> std::optional<Value> {
    if (!state->next) state->next = iterate(budget, input);
    while (auto item = state->next()) {
      const Value key = key_of(budget, *item, attribute ? &*attribute : nullptr, case_sensitive);
      check_hashable(budget, key);
      if (state->seen.find(budget, key)) continue;
      state->seen.insert(budget, key, none());
      return item;
    }
    return std::nullopt;
  };
  return generator(budget, pull, depth_of(input));
}

template <bool is_max>
Value filter_extreme(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given(is_max ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const Values values = collect(budget, input);
  if (values.empty()) return undefined("No aggregated item, sequence was empty.");
  const Value* attribute = given.some(1);
  std::size_t best = 0;
  Value best_key = key_of(budget, values[0], attribute, given.flag(0, false));
  for (std::size_t i = 1; i < values.size(); ++i) {
    const Value key = key_of(budget, values[i], attribute, given.flag(0, false));
    if (is_max ? less(budget, best_key, key) : less(budget, key, best_key)) {
      best = i;
      best_key = key;
    }
  }
  return values[best];
}

Value filter_default(Budget&, const Value& input, const Arguments& arguments) {
  const Parameters given("default", arguments, {"default_value", "boolean"});
  const bool missing = input.is<Undefined>() || (given.flag(1, false) && !truth(input));
  if (!missing) return input;
  return given.at(0) ? *given.at(0) : string("");
}

Value filter_first(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("first", arguments, {});
  const auto first = iterate(budget, input)();
  return first ? *first : undefined("No first item, sequence was empty.");
}

Value filter_last(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("last", arguments, {});
  if (input.text() && !input.text()->empty()) return item(budget, input, integer(-1));
  const Values values = collect_reversed(budget, input);
  return values.empty() ? undefined("No last item, sequence was empty.") : values.front();
}

Value filter_length(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("length", arguments, {});
  if (input.text()) budget.spend_text(input.text()->size());
  const auto length = length_of(input);
  if (!length) throw Failure("a value of type '" + type_name(input) + "' has no length");
  return integer(static_cast<Integer>(*length));
}

Value filter_list(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("list", arguments, {});
  return list(budget, collect(budget, input));
}

Value filter_reverse(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("reverse", arguments, {});
  if (const auto* text = input.as<const String>()) {
    budget.spend_text(text->utf8.size());
    std::u32string characters = code_points(text->utf8);
    std::reverse(characters.begin(), characters.end());
    return string(to_utf8(characters), text->markup);
  }
  Values values = collect(budget, input);
  std::reverse(values.begin(), values.end());
  const Value reversed = list(budget, std::move(values));
  if (input.as<Generator>()) return reversed;  // as in jinja2: only what cannot be reversed becomes a list
  return generator(budget, iterate(budget, reversed), depth_of(reversed));
}

Value filter_join(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("join", arguments, {"d", "attribute"});
  const std::string separator = given.at(0) ? to_text(budget, *given.at(0)) : "";
  const Pull next = iterate(budget, input);
  std::string joined;
  bool first = true;
  while (const auto item = next()) {
    if (!first) joined += separator;
    first = false;
    joined += to_text(budget, given.some(1) ? item_by_path(budget, *item, *given.at(1)) : *item);
    budget.spend_text(separator.size());
    budget.check_text(joined.size());
  }
  budget.spend_text(joined.size());
  return string(std::move(joined));
}

Value filter_sum(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("sum", arguments, {"attribute", "start"});
  Value total = given.at(1) ? *given.at(1) : integer(0);
  if (total.text()) throw Failure("'sum' does not add strings (need the filter 'join')");
  const Pull next = iterate(budget, input);
  while (const auto item = next()) {
    budget.spend();
    total = apply(budget, Operator::add, total,
                  given.some(0) ? item_by_path(budget, *item, *given.at(0)) : *item);
  }
  return total;
}

Value filter_items(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("items", arguments, {});
  if (input.is<Undefined>()) return generator(budget, iterate(budget, input), 0);
  const auto* held = std::get_if<std::shared_ptr<const Dict>>(&input.data);
  // As in jinja2, the complaint comes when the items are asked for.
  if (!held) {
    return generator(
        budget, []() -> std::optional<Value> { throw Failure("'items' needs a dict"); }, 0);
  }
  const Value view{std::make_shared<const DictView>(DictView{*held, DictPart::items})};
  return generator(budget, iterate(budget, view), depth_of(view));
}

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"count", filter_length},      {"d", filter_default},         {"default", filter_default},
      {"dictsort", filter_dictsort}, {"first", filter_first},       {"items", filter_items},
      {"join", filter_join},         {"last", filter_last},         {"length", filter_length},
      {"list", filter_list},         {"max", filter_extreme<true>}, {"min", filter_extreme<false>},
      {"reverse", filter_reverse},   {"sort", filter_sort},         {"sum", filter_sum},
      {"unique", filter_unique},
  };
  const auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace reckon::jinja
