#include "value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operators.h"
#include "reckon/text/utf8.h"

namespace reckon::jinja {

const std::string* Value::text() const {
  const auto* string = as<const String>();
  return string ? &string->utf8 : nullptr;
}

const Values* Value::items() const {
  if (const auto* list = as<const List>()) return &list->values;
  if (const auto* tuple = as<const Tuple>()) return &tuple->values;
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = by_text.find(key);
  return found == by_text.end() ? nullptr : &entries[found->second].second;
}

std::optional<std::size_t> Dict::index_of(Budget& budget, const Value& key) const {
  if (const auto* text = key.text()) {
    const auto found = by_text.find(*text);
    return found == by_text.end() ? std::nullopt : std::optional<std::size_t>(found->second);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].first.text() && equal(budget, entries[i].first, key)) return i;
  }
  return std::nullopt;
}

const Value* Dict::find(Budget& budget, const Value& key) const {
  const auto index = index_of(budget, key);
  return index ? &entries[*index].second : nullptr;
}

void Dict::insert(Budget& budget, Value key, Value value) {
  if (const auto index =
          index_of(budget, key)) {  // as in Python, the first key stays and the last value counts
    entries[*index].second = std::move(value);
    return;
  }
  entries.emplace_back(std::move(key), std::move(value));
  // The string behind the key is shared, so the view stays good when the entries move.
  if (const auto* text = entries.back().first.text()) by_text.emplace(*text, entries.size() - 1);
}

const Value* Namespace::find(std::string_view name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &attributes[found->second].second;
}

void Namespace::set(const std::string& name, Value value) {
  const auto [entry, is_new] = by_name.emplace(name, attributes.size());
  if (is_new) {
    attributes.emplace_back(name, std::move(value));
  } else {
    attributes[entry->second].second = std::move(value);
  }
}

Loop::Loop(Pull pull, std::optional<std::size_t> length, std::size_t value_depth)
    : pull_(std::move(pull)), length_(length), depth_(value_depth + 1) {}

bool Loop::advance() {
  if (!peek()) return false;
  previous_ = std::move(current_);
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  ++index0_;
  return true;
}

const Value* Loop::peek() {
  if (ahead_.empty()) {
    auto next = pull_();
    if (!next) return nullptr;
    ahead_.push_back(std::move(*next));
  }
  return &ahead_.front();
}

std::size_t Loop::length() {
  if (!length_) {
    while (auto next = pull_()) ahead_.push_back(std::move(*next));
    length_ = static_cast<std::size_t>(index0_ + 1) + ahead_.size();
  }
  return *length_;
}

Value undefined(std::string message) {
  return {Undefined{std::make_shared<const std::string>(std::move(message))}};
}
Value none() {
  return {None{}};
}
Value boolean(bool value) {
  return {value};
}
Value integer(Integer value) {
  return {value};
}
Value real(double value) {
  return {value};
}
Value string(std::string utf8, bool markup) {
  return {std::make_shared<const String>(String{std::move(utf8), markup})};
}

namespace {

std::size_t depth_of_all(const Values& values) {
  std::size_t deepest = 0;
  for (const Value& value : values) deepest = std::max(deepest, depth_of(value));
  return deepest;
}

template <class Sequence>
Value sequence(Budget& budget, Values values) {
  budget.spend(values.size());
  const std::size_t depth = depth_of_all(values) + 1;
  budget.check_depth(depth);
  return {std::make_shared<const Sequence>(Sequence{std::move(values), depth})};
}

}  // namespace

Value list(Budget& budget, Values values) {
  return sequence<List>(budget, std::move(values));
}
Value tuple(Budget& budget, Values values) {
  return sequence<Tuple>(budget, std::move(values));
}

Value dict(Budget& budget, Dict dict) {
  budget.spend(dict.entries.size());
  dict.depth = 1;
  for (const auto& [key, value] : dict.entries) {
    dict.depth = std::max({dict.depth, depth_of(key) + 1, depth_of(value) + 1});
  }
  budget.check_depth(dict.depth);
  return {std::make_shared<const Dict>(std::move(dict))};
}

Value generator(Budget& budget, Pull next, std::size_t depth) {
  budget.check_depth(depth + 1);
  return {std::make_shared<Generator>(Generator{std::move(next), depth + 1})};
}

Value function(std::string name, std::function<Value(Budget&, const Arguments&)> call, std::size_t depth) {
  return {std::make_shared<const Function>(Function{std::move(name), std::move(call), depth + 1})};
}

std::size_t depth_of(const Value& value) {
  if (const auto* list = value.as<const List>()) return list->depth;
  if (const auto* tuple = value.as<const Tuple>()) return tuple->depth;
  if (const auto* dict = value.as<const Dict>()) return dict->depth;
  if (const auto* view = value.as<const DictView>()) return view->dict->depth + 1;
  if (const auto* generator = value.as<Generator>()) return generator->depth;
  if (const auto* loop = value.as<Loop>()) return loop->depth();
  if (const auto* function = value.as<const Function>()) return function->depth;
  return 0;  // a namespace is held by the interpreter and does not lengthen a chain
}

namespace {

std::string checked_utf8(Budget& budget, const std::string& text) {
  budget.spend_text(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto character = utf8_character_at(text, at);
    if (!character) {
      throw Failure("a variable holds text that is not UTF-8 at byte " + std::to_string(at));
    }
    at += character->num_bytes;
  }
  return text;
}

}  // namespace

Value from_json(Budget& budget, const nlohmann::ordered_json& json) {
  using Type = nlohmann::ordered_json::value_t;
  const Budget::Level level(budget);
  budget.spend();
  switch (json.type()) {
    case Type::null:
      return none();
    case Type::boolean:
      return boolean(json.get<bool>());
    case Type::number_integer:
      return integer(json.get<std::int64_t>());
    case Type::number_unsigned:
      return integer(json.get<std::uint64_t>());
    case Type::number_float:
      return real(json.get<double>());
    case Type::string:
      return string(checked_utf8(budget, json.get_ref<const std::string&>()));
    case Type::array: {
      Values values;
      for (const auto& item : json) values.push_back(from_json(budget, item));
      return list(budget, std::move(values));
    }
    case Type::object: {
      Dict entries;
      for (const auto& [key, item] : json.items()) {
        entries.insert(budget, string(checked_utf8(budget, key)), from_json(budget, item));
      }
      return dict(budget, std::move(entries));
    }
    default:
      throw Failure(std::string("a variable holds a JSON ") + json.type_name() + " value");
  }
}

std::string type_name(const Value& value) {
  static constexpr const char* kNames[] = {"Undefined", "NoneType",  "bool",      "int",         "float",
                                           "str",       "list",      "tuple",     "dict",        "dict_view",
                                           "range",     "generator", "Namespace", "LoopContext", "function"};
  if (const auto* string = value.as<const String>()) return string->markup ? "Markup" : "str";
  if (const auto* view = value.as<const DictView>()) {
    return view->part == DictPart::keys ? "dict_keys"
                                        : (view->part == DictPart::values ? "dict_values" : "dict_items");
  }
  return kNames[value.data.index()];
}

}  // namespace reckon::jinja
