#include "operators.h"

#include <algorithm>

#include "letters.h"
#include "strings.h"

namespace reckon::jinja {

void fail_undefined(const Value& value) {
  const auto* missing = value.get<Undefined>();
  throw Failure(missing != nullptr && missing->message ? *missing->message : "the value is undefined");
}

std::optional<Integer> as_integer(const Value& value) {
  if (const auto* number = value.get<Integer>()) return *number;
  if (const auto* flag = value.get<bool>()) return *flag ? 1 : 0;
  return std::nullopt;
}

std::optional<double> as_real(const Value& value) {
  if (const auto* number = value.get<double>()) return *number;
  if (const auto number = as_integer(value)) return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<std::size_t> length_of(const Value& value) {
  if (const auto* text = value.text()) return num_code_points(*text);
  if (const auto* items = value.items()) return items->size();
  if (const auto* dict = value.as<const Dict>()) return dict->entries.size();
  if (const auto* view = value.as<const DictView>()) return view->dict->entries.size();
  if (const auto* range = value.as<const Range>()) return range->length;
  if (auto* loop = value.as<Loop>()) return loop->length();
  if (value.is<Undefined>()) return 0;
  return std::nullopt;
}

bool truth(const Value& value) {
  if (value.is<None>() || value.is<Undefined>()) return false;
  if (const auto* flag = value.get<bool>()) return *flag;
  if (const auto* number = value.get<Integer>()) return *number != 0;
  if (const auto* number = value.get<double>()) return *number != 0;
  if (const auto* text = value.text()) return !text->empty();
  if (value.as<Loop>()) return true;
  return length_of(value).value_or(1) != 0;
}

namespace {

/// Negative, zero or positive; nothing where a NaN is compared. Exact for integers up to 64 bits.
std::optional<int> compare_numbers(const Value& a, const Value& b) {
  const auto left = as_integer(a);
  const auto right = as_integer(b);
  if (left && right) return *left < *right ? -1 : (*left > *right ? 1 : 0);
  const long double x = left ? static_cast<long double>(*left) : static_cast<long double>(*as_real(a));
  const long double y = right ? static_cast<long double>(*right) : static_cast<long double>(*as_real(b));
  if (x < y) return -1;
  if (x > y) return 1;
  if (x == y) return 0;
  return std::nullopt;
}

bool equal_items(Budget& budget, const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](const Value& x, const Value& y) { return equal(budget, x, y); });
}

bool equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(budget, entry.first);
    return other != nullptr && equal(budget, entry.second, *other);
  });
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.length != b.length) return false;
  if (a.length == 0) return true;
  return a.start == b.start && (a.length == 1 || a.step == b.step);
}

bool less_items(Budget& budget, const Values& a, const Values& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (!equal(budget, a[i], b[i])) return less(budget, a[i], b[i]);
  }
  return a.size() < b.size();
}

}  // namespace

bool equal(Budget& budget, const Value& a, const Value& b) {
  budget.spend();
  if (as_real(a) && as_real(b)) return compare_numbers(a, b) == 0;
  if (a.text() && b.text()) {
    budget.spend_text(std::min(a.text()->size(), b.text()->size()));
    return *a.text() == *b.text();
  }
  if (a.data.index() != b.data.index()) return false;
  if (a.as<const DictView>())
    throw Failure("the comparison of two values of type '" + type_name(a) + "' is not supported");
  if (a.items()) return equal_items(budget, *a.items(), *b.items());
  if (const auto* dict = a.as<const Dict>()) return equal_dicts(budget, *dict, *b.as<const Dict>());
  if (const auto* range = a.as<const Range>()) return equal_ranges(*range, *b.as<const Range>());
  return a.data == b.data;  // the same object
}

bool is_same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (a.is<None>()) return true;
  if (a.is<bool>()) return *a.get<bool>() == *b.get<bool>();
  if (a.is<Undefined>() || a.is<Integer>() || a.is<double>() || a.text()) {
    throw Failure("the test 'sameas' of two values of type '" + type_name(a) +
                  "' is not supported (need none, a boolean or a container)");
  }
  return a.data == b.data;
}

bool less(Budget& budget, const Value& a, const Value& b) {
  budget.spend();
  if (a.is<Undefined>()) fail_undefined(a);
  if (b.is<Undefined>()) fail_undefined(b);
  if (as_real(a) && as_real(b)) return compare_numbers(a, b).value_or(1) < 0;
  if (a.text() && b.text()) {
    budget.spend_text(std::min(a.text()->size(), b.text()->size()));
    return *a.text() < *b.text();  // UTF-8 keeps the order of code points
  }
  if (a.items() && a.data.index() == b.data.index()) return less_items(budget, *a.items(), *b.items());
  throw Failure("values of type '" + type_name(a) + "' and '" + type_name(b) + "' have no order");
}

bool compare(Budget& budget, Relation relation, const Value& a, const Value& b) {
  const bool numbers = as_real(a).has_value() && as_real(b).has_value();
  switch (relation) {
    case Relation::equal:
      return equal(budget, a, b);
    case Relation::not_equal:
      return !equal(budget, a, b);
    case Relation::less:
      return less(budget, a, b);
    case Relation::greater:
      return less(budget, b, a);
    case Relation::less_equal:
      // Not "not greater": a comparison with NaN is false.
      return numbers ? compare_numbers(a, b).value_or(1) <= 0 : !less(budget, b, a);
    case Relation::greater_equal:
      return numbers ? compare_numbers(a, b).value_or(-1) >= 0 : !less(budget, a, b);
    case Relation::in:
      return contains(budget, b, a);
    case Relation::not_in:
      return !contains(budget, b, a);
  }
  return false;
}

void check_hashable(Budget& budget, const Value& value) {
  budget.spend();
  if (value.as<const List>() || value.as<const Dict>()) {
    throw Failure("a " + type_name(value) + " cannot be a key of a dict");
  }
  if (const auto* tuple = value.as<const Tuple>()) {
    for (const Value& item : tuple->values) check_hashable(budget, item);
  }
}

bool contains(Budget& budget, const Value& container, const Value& value) {
  if (const auto* text = container.text()) {
    const auto* part = value.text();
    if (!part) {
      throw Failure("'in' a str needs a str before it, not a value of type '" + type_name(value) + "'");
    }
    budget.spend_text(text->size() + part->size());
    return find_first(*text, *part) != std::string::npos;
  }
  const auto* view = container.as<const DictView>();
  const auto* dict = container.as<const Dict>();
  if (dict || (view && view->part == DictPart::keys)) {
    check_hashable(budget, value);
    return (dict ? dict : view->dict.get())->find(budget, value) != nullptr;
  }
  const Pull next = iterate(budget, container);
  while (const auto item = next()) {
    budget.spend();
    if (equal(budget, *item, value)) return true;
  }
  return false;
}

bool is_iterable(const Value& value) {
  return value.text() || value.items() || value.as<const Dict>() || value.as<const DictView>() ||
         value.as<const Range>() || value.as<Generator>() || value.as<Loop>() || value.is<Undefined>();
}

namespace {

Value view_item(Budget& budget, const DictView& view, std::size_t i) {
  const auto& [key, value] = view.dict->entries[i];
  if (view.part == DictPart::keys) return key;
  if (view.part == DictPart::values) return value;
  return tuple(budget, {key, value});
}

Pull iterate_text(const std::shared_ptr<const String>& text) {
  return [text, at = std::size_t{0}]() mutable -> std::optional<Value> {
    if (at == text->utf8.size()) return std::nullopt;
    const std::size_t num_bytes = utf8_character_at(text->utf8, at)->num_bytes;
    at += num_bytes;
    return string(text->utf8.substr(at - num_bytes, num_bytes));
  };
}

}  // namespace

Pull iterate(Budget& budget, const Value& value) {
  if (value.text()) return iterate_text(std::get<std::shared_ptr<const String>>(value.data));
  if (const auto* items = value.items()) {
    return [value, items, i = std::size_t{0}]() mutable -> std::optional<Value> {
      if (i == items->size()) return std::nullopt;
      return (*items)[i++];
    };
  }
  DictView view{nullptr, DictPart::keys};
  if (const auto* given = value.as<const DictView>()) view = *given;
  if (value.as<const Dict>()) view.dict = std::get<std::shared_ptr<const Dict>>(value.data);
  if (view.dict) {
    return [&budget, view, i = std::size_t{0}]() mutable -> std::optional<Value> {
      if (i == view.dict->entries.size()) return std::nullopt;
      return view_item(budget, view, i++);
    };
  }
  if (const auto* range = value.as<const Range>()) {
    return [range = *range, i = std::size_t{0}]() mutable -> std::optional<Value> {
      if (i == range.length) return std::nullopt;
      return integer(range.at(i++));
    };
  }
  if (auto* generator = value.as<Generator>()) {
    return [value, generator] { return generator->next(); };
  }
  if (value.is<Undefined>()) {
    return []() -> std::optional<Value> { return std::nullopt; };
  }
  throw Failure("a value of type '" + type_name(value) + "' cannot be iterated");
}

Values collect(Budget& budget, const Value& value) {
  const Pull next = iterate(budget, value);
  Values values;
  while (auto item = next()) {
    budget.spend();
    values.push_back(std::move(*item));
  }
  return values;
}

Values collect_reversed(Budget& budget, const Value& value) {
  if (value.as<Generator>() || value.as<Loop>()) {
    throw Failure("a value of type '" + type_name(value) + "' cannot be reversed");
  }
  Values values = collect(budget, value);
  std::reverse(values.begin(), values.end());
  return values;
}

namespace {

/// Python's clamping of a bound of a slice. \param lowest, highest  what it is clamped to.
Integer slice_bound(const Value* bound, Integer otherwise, Integer length, Integer lowest, Integer highest) {
  if (bound == nullptr || bound->is<None>()) return otherwise;
  if (bound->is<Undefined>()) fail_undefined(*bound);
  const auto index = as_integer(*bound);
  if (!index) throw Failure("the bounds of a slice must be integers, not '" + type_name(*bound) + "'");
  const Integer from_start = *index < 0 ? *index + length : *index;
  return std::clamp(from_start, lowest, highest);
}

/// The indices that a slice takes, as a range.
Range slice_indices(std::size_t length, const Value* start, const Value* stop, const Value* step) {
  const auto size = static_cast<Integer>(length);
  Range range;
  range.step = 1;
  if (step && !step->is<None>()) {
    const auto given = as_integer(*step);
    if (!given) throw Failure("the step of a slice must be an integer, not '" + type_name(*step) + "'");
    if (*given == 0) throw Failure("the step of a slice is 0");
    range.step = std::clamp<Integer>(*given, -size - 1, size + 1);
  }
  const bool forward = range.step > 0;
  const Integer lowest = forward ? 0 : -1;
  const Integer highest = forward ? size : size - 1;
  range.start = slice_bound(start, forward ? 0 : size - 1, size, lowest, highest);
  const Integer end = slice_bound(stop, forward ? size : -1, size, lowest, highest);
  const Integer distance = forward ? end - range.start : range.start - end;
  const Integer stride = forward ? range.step : -range.step;
  range.stop = end;
  range.length = distance <= 0 ? 0 : static_cast<std::size_t>((distance + stride - 1) / stride);
  return range;
}

}  // namespace

Value slice(Budget& budget, const Value& object, const Value* start, const Value* stop, const Value* step) {
  if (object.is<Undefined>()) fail_undefined(object);
  if (const auto* text = object.as<const String>()) {
    budget.spend_text(text->utf8.size());
    const std::u32string characters = code_points(text->utf8);
    const Range range = slice_indices(characters.size(), start, stop, step);
    std::u32string taken;
    for (std::size_t i = 0; i < range.length; ++i)
      taken.push_back(characters[static_cast<std::size_t>(range.at(i))]);
    return string(to_utf8(taken), text->markup);
  }
  if (const auto* items = object.items()) {
    const Range range = slice_indices(items->size(), start, stop, step);
    Values taken;
    for (std::size_t i = 0; i < range.length; ++i)
      taken.push_back((*items)[static_cast<std::size_t>(range.at(i))]);
    return object.as<const List>() ? list(budget, std::move(taken)) : tuple(budget, std::move(taken));
  }
  if (const auto* whole = object.as<const Range>()) {
    Range range = slice_indices(whole->length, start, stop, step);
    range.start = whole->start + range.start * whole->step;
    range.stop = whole->start + range.stop * whole->step;
    range.step *= whole->step;
    return {std::make_shared<const Range>(range)};
  }
  throw Failure("a value of type '" + type_name(object) + "' cannot be sliced");
}

}  // namespace reckon::jinja
