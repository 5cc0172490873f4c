#include "grid_spec.h"

#include "reckon/base/error.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

std::string range_text(GridRange range) {
  const std::string low = std::to_string(range.low);
  return range.low == range.high ? low : low + " to " + std::to_string(range.high);
}

bool contains(GridRange range, std::size_t value) {
  return value >= static_cast<std::size_t>(range.low) && value <= static_cast<std::size_t>(range.high);
}

}  // namespace

GridSpec::GridSpec(TaskKind kind, std::string_view spec)
    : where_(std::string(enum_name(kind)) + ": spec"), rules_(parse_json(spec, where_)) {
  if (!rules_.is_object()) fail("a JSON " + std::string(rules_.type_name()) + " (need an object)");
}

void GridSpec::fail(const std::string& what) const {
  throw Error(ExitCode::bad_data, where_ + ": " + what);
}

const nlohmann::json& GridSpec::member(const char* key) const {
  const auto found = rules_.find(key);
  if (found == rules_.end()) fail(std::string("no \"") + key + "\" (need a member of that name)");
  return *found;
}

int GridSpec::integer_of(const nlohmann::json& value, const char* key, GridRange range) const {
  // Compared as int64: a number that needs more is out of any range.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
  if (!fits || value.get<std::int64_t>() < range.low || value.get<std::int64_t>() > range.high) {
    std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > 40) text = text.substr(0, 37) + "...";
    fail(std::string("\"") + key + "\" has " + text + " (need whole numbers, " + range_text(range) + ")");
  }
  return static_cast<int>(value.get<std::int64_t>());
}

void GridSpec::check_array(const nlohmann::json& value, const char* key, GridRange count,
                           const char* of_what) const {
  if (value.is_array() && contains(count, value.size())) return;
  const std::string found = value.is_array() ? std::to_string(value.size()) + " entries"
                                             : "a JSON " + std::string(value.type_name());
  fail(std::string("\"") + key + "\" has " + found + " (need an array of " + range_text(count) + " " +
       of_what + ")");
}

int GridSpec::integer(const char* key, GridRange range) const {
  return integer_of(member(key), key, range);
}

std::vector<int> GridSpec::integers(const char* key, GridRange count, GridRange range) const {
  const nlohmann::json& array = member(key);
  check_array(array, key, count, "numbers");
  std::vector<int> numbers;
  for (const auto& value : array) numbers.push_back(integer_of(value, key, range));
  return numbers;
}

std::vector<std::vector<int>> GridSpec::rows(const char* key, GridRange num_rows, GridRange row_size,
                                             GridRange range) const {
  const nlohmann::json& array = member(key);
  check_array(array, key, num_rows, "arrays");
  std::vector<std::vector<int>> all;
  for (const auto& row : array) {
    check_array(row, key, row_size, "numbers in each");
    all.emplace_back();
    for (const auto& value : row) all.back().push_back(integer_of(value, key, range));
  }
  return all;
}

std::vector<std::string> GridSpec::strings(const char* key, GridRange count, GridRange size) const {
  const nlohmann::json& array = member(key);
  check_array(array, key, count, "strings");
  std::vector<std::string> all;
  for (const auto& value : array) {
    if (!value.is_string() || !contains(size, value.get_ref<const std::string&>().size())) {
      fail(std::string("\"") + key + "\" has an entry that is no string of " + range_text(size) + " bytes");
    }
    all.push_back(value.get<std::string>());
  }
  return all;
}

}  // namespace reckon
