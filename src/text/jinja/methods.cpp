#include "methods.h"

#include <algorithm>
#include <array>
#include <map>

#include "arguments.h"
#include "letters.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

template <std::size_t n>
bool is_one_of(std::string_view name, const std::array<std::string_view, n>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value list_count(Budget& budget, const Value& self, const Arguments& arguments) {
  const Parameters given("count", arguments, {"value"}, 1);
  const auto& items = *self.items();
  return integer(std::count_if(items.begin(), items.end(),
                               [&](const Value& item) { return equal(budget, item, *given.at(0)); }));
}

Value list_index(Budget& budget, const Value& self, const Arguments& arguments) {
  const Parameters given("index", arguments, {"value"}, 1);
  const auto& items = *self.items();
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const Value& item) { return equal(budget, item, *given.at(0)); });
  if (found == items.end()) throw Failure("'index' does not find " + to_repr(budget, *given.at(0)));
  return integer(found - items.begin());
}

Value list_copy(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("copy", arguments, {});
  return self;  // nothing can change either of them
}

Value dict_get(Budget& budget, const Value& self, const Arguments& arguments) {
  const Parameters given("get", arguments, {"key", "default"}, 1);
  check_hashable(budget, *given.at(0));
  const Value* value = self.as<const Dict>()->find(budget, *given.at(0));
  if (value) return *value;
  return given.at(1) ? *given.at(1) : none();
}

template <DictPart part>
Value dict_view(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("keys, values or items", arguments, {});
  return {std::make_shared<const DictView>(DictView{std::get<std::shared_ptr<const Dict>>(self.data), part})};
}

Value loop_cycle(Budget&, const Value& self, const Arguments& arguments) {
  const auto& choices = arguments.positional;
  if (choices.empty()) throw Failure("'cycle' needs at least one argument");
  return choices[static_cast<std::size_t>(self.as<Loop>()->index0()) % choices.size()];
}

Value loop_changed(Budget& budget, const Value& self, const Arguments& arguments) {
  auto& last = self.as<Loop>()->last_changed;
  const auto& now = arguments.positional;
  const bool same = last && std::equal(last->begin(), last->end(), now.begin(), now.end(),
                                       [&](const Value& a, const Value& b) { return equal(budget, a, b); });
  for (const Value& value : now) budget.check_depth(depth_of(value) + self.as<Loop>()->depth());
  if (!same) last = now;
  return boolean(!same);
}

Method find_in(const std::map<std::string_view, Method>& methods, std::string_view name) {
  const auto found = methods.find(name);
  return found == methods.end() ? nullptr : found->second;
}

/// The values that `loop` has besides its methods.
std::optional<Value> loop_attribute(Loop& loop, std::string_view name) {
  const Integer index0 = loop.index0();
  if (name == "index") return integer(index0 + 1);
  if (name == "index0") return integer(index0);
  if (name == "first") return boolean(index0 == 0);
  if (name == "last") return boolean(loop.peek() == nullptr);
  if (name == "length") return integer(static_cast<Integer>(loop.length()));
  if (name == "revindex") return integer(static_cast<Integer>(loop.length()) - index0);
  if (name == "revindex0") return integer(static_cast<Integer>(loop.length()) - index0 - 1);
  if (name == "depth") return integer(1);
  if (name == "depth0") return integer(0);
  if (name == "previtem") return loop.previous() ? *loop.previous() : undefined("there is no previous item");
  if (name == "nextitem") return loop.peek() ? *loop.peek() : undefined("there is no next item");
  return std::nullopt;
}

bool is_dunder(std::string_view name) {
  return name.starts_with("__") && name.ends_with("__");
}

/// The type as jinja2's messages name it.
std::string object_name(const Value& value) {
  if (value.is<None>()) return "None";
  if (value.as<Namespace>()) return "namespace object";
  return type_name(value) + " object";
}

/// An attribute that is no key of a dict; nothing where there is none.
std::optional<Value> own_attribute(const Value& object, const std::string& name) {
  if (is_dunder(name)) {
    throw Failure("access to attribute '" + name + "' of '" + type_name(object) + "' object is unsafe");
  }
  if (const auto* space = object.as<Namespace>()) {
    const Value* value = space->find(name);
    return value ? std::optional<Value>(*value) : std::nullopt;
  }
  if (auto* loop = object.as<Loop>()) {
    if (auto value = loop_attribute(*loop, name)) return value;
  }
  if (const Method method = find_method(object, name)) {
    return function(
        name,
        [object, method](Budget& budget, const Arguments& arguments) {
          if (const auto* text = object.text()) budget.spend_text(text->size());
          return method(budget, object, arguments);
        },
        depth_of(object));
  }
  if (is_mutating_method(object, name)) {
    return undefined("access to attribute '" + name + "' of '" + type_name(object) + "' object is unsafe");
  }
  if (is_unsupported_attribute(object, name)) {
    throw Failure("the attribute '" + name + "' of type '" + type_name(object) + "' is not supported");
  }
  return std::nullopt;
}

Value no_attribute(const Value& object, const std::string& name) {
  return undefined("'" + object_name(object) + "' has no attribute '" + name + "'");
}

}  // namespace

Method find_method(const Value& self, std::string_view name) {
  static const std::map<std::string_view, Method> kListMethods = {
      {"copy", list_copy}, {"count", list_count}, {"index", list_index}};
  static const std::map<std::string_view, Method> kTupleMethods = {{"count", list_count},
                                                                   {"index", list_index}};
  static const std::map<std::string_view, Method> kDictMethods = {{"copy", list_copy},
                                                                  {"get", dict_get},
                                                                  {"items", dict_view<DictPart::items>},
                                                                  {"keys", dict_view<DictPart::keys>},
                                                                  {"values", dict_view<DictPart::values>}};
  static const std::map<std::string_view, Method> kLoopMethods = {{"changed", loop_changed},
                                                                  {"cycle", loop_cycle}};
  if (self.text()) return find_string_method(name);
  if (self.as<const List>()) return find_in(kListMethods, name);
  if (self.as<const Tuple>()) return find_in(kTupleMethods, name);
  if (self.as<const Dict>()) return find_in(kDictMethods, name);
  if (self.as<Loop>()) return find_in(kLoopMethods, name);
  return nullptr;
}

bool is_mutating_method(const Value& self, std::string_view name) {
  static constexpr std::array<std::string_view, 8> kOfList = {"append", "clear",  "extend",  "insert",
                                                              "pop",    "remove", "reverse", "sort"};
  static constexpr std::array<std::string_view, 5> kOfDict = {"clear", "pop", "popitem", "setdefault",
                                                              "update"};
  return (self.as<const List>() && is_one_of(name, kOfList)) ||
         (self.as<const Dict>() && is_one_of(name, kOfDict));
}

namespace {

constexpr std::array<std::string_view, 17> kOtherStringMethods = {
    "casefold",  "encode",       "expandtabs", "format",      "format_map", "isascii",
    "isdecimal", "isidentifier", "isnumeric",  "isprintable", "istitle",    "maketrans",
    "swapcase",  "translate",    "zfill",      "striptags",   "unescape"};
constexpr std::array<std::string_view, 7> kOtherNumberAttributes = {
    "as_integer_ratio", "bit_length", "conjugate", "denominator", "imag", "numerator", "real"};
constexpr std::array<std::string_view, 5> kRangeAttributes = {"count", "index", "start", "step", "stop"};
constexpr std::array<std::string_view, 7> kGeneratorAttributes = {
    "close", "gi_code", "gi_frame", "gi_running", "gi_yieldfrom", "send", "throw"};

}  // namespace

bool is_unsupported_attribute(const Value& self, std::string_view name) {
  if (self.text()) return is_one_of(name, kOtherStringMethods);
  if (as_real(self)) return is_one_of(name, kOtherNumberAttributes);
  if (self.as<const Dict>()) return name == "fromkeys";
  if (self.as<const DictView>()) return name == "isdisjoint" || name == "mapping";
  if (self.as<const Range>()) return is_one_of(name, kRangeAttributes);
  if (self.as<Generator>()) return is_one_of(name, kGeneratorAttributes);
  return self.as<const Function>() != nullptr;
}

bool is_unsupported_method(std::string_view name) {
  return is_one_of(name, kOtherStringMethods);
}

Value attribute(Budget& budget, const Value& object, const std::string& name) {
  budget.spend();
  if (object.is<Undefined>()) fail_undefined(object);
  if (auto value = own_attribute(object, name)) return std::move(*value);
  if (const auto* dict = object.as<const Dict>()) {
    if (const Value* value = dict->find(name)) return *value;
  }
  return no_attribute(object, name);
}

Value item(Budget& budget, const Value& object, const Value& index) {
  budget.spend();
  if (object.is<Undefined>()) fail_undefined(object);
  if (const auto* dict = object.as<const Dict>()) {
    const bool hashable = !index.as<const List>() && !index.as<const Dict>();
    const Value* value = hashable ? dict->find(budget, index) : nullptr;
    if (value) return *value;
  }
  const auto position = as_integer(index);
  const bool is_sequence = object.text() || object.items() || object.as<const Range>();
  if (position && is_sequence) {
    if (object.text()) budget.spend_text(object.text()->size());
    const auto length = static_cast<Integer>(*length_of(object));
    const Integer at = *position < 0 ? *position + length : *position;
    if (at >= 0 && at < length) {
      if (const auto* items = object.items()) return (*items)[static_cast<std::size_t>(at)];
      if (const auto* range = object.as<const Range>())
        return integer(range->at(static_cast<std::size_t>(at)));
      const auto* string_object = object.as<const String>();
      const std::size_t start = byte_offset(string_object->utf8, static_cast<std::size_t>(at));
      const std::size_t size = utf8_character_at(string_object->utf8, start)->num_bytes;
      return string(string_object->utf8.substr(start, size), string_object->markup);
    }
  }
  if (const auto* name = index.text()) {
    if (auto value = own_attribute(object, *name)) return std::move(*value);
    return no_attribute(object, *name);
  }
  return undefined(object_name(object) + " has no element " + to_repr(budget, index));
}

Value item_by_path(Budget& budget, const Value& object, const Value& path, const Value* otherwise) {
  if (!path.text()) return item(budget, object, path);
  Value value = object;
  std::size_t start = 0;
  const std::string& text = *path.text();
  while (start <= text.size()) {
    const std::size_t dot = std::min(text.find('.', start), text.size());
    const std::string part = text.substr(start, dot - start);
    const bool is_number = !part.empty() && part.size() < 18 &&
                           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    value = item(budget, value, is_number ? integer(std::stoll(part)) : string(part));
    if (otherwise && value.is<Undefined>()) value = *otherwise;
    start = dot + 1;
  }
  return value;
}

}  // namespace reckon::jinja
