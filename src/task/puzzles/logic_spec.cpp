#include "logic_spec.h"

#include "reckon/base/error.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxSpecBytes = std::size_t{256} << 10;

std::string quoted(std::string_view key) {
  return "\"" + std::string(key) + "\"";
}

}  // namespace

LogicSpec::LogicSpec(std::string_view kind, std::string_view text) : where_(std::string(kind) + ": spec") {
  if (text.size() > kMaxSpecBytes)
    fail("has " + std::to_string(text.size()) + " bytes (need at most " + std::to_string(kMaxSpecBytes) +
         ")");
  object_ = parse_json(text, where_);
  if (!object_.is_object()) fail("is no JSON object");
}

void LogicSpec::fail(const std::string& what) const {
  throw Error(ExitCode::bad_data, where_ + ": " + what);
}

const nlohmann::json& LogicSpec::member(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end()) fail("no " + quoted(key));
  return *found;
}

std::int64_t LogicSpec::integer_of(const nlohmann::json& value, std::string_view what, std::int64_t low,
                                   std::int64_t high) const {
  const std::string need = " (need " + std::to_string(low) + " .. " + std::to_string(high) + ")";
  if (!value.is_number_integer()) fail(std::string(what) + " is no whole number" + need);
  // Beyond int64 the library would wrap around.
  const bool is_huge = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
  if (is_huge || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
    fail(std::string(what) + " is " + value.dump() + need);
  return value.get<std::int64_t>();
}

const std::string& LogicSpec::text_of(const nlohmann::json& value, std::string_view what,
                                      std::size_t max_bytes) const {
  if (!value.is_string()) fail(std::string(what) + " is no text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > max_bytes) {
    fail(std::string(what) + " has " + std::to_string(text.size()) + " bytes (need 1 .. " +
         std::to_string(max_bytes) + ")");
  }
  return text;
}

const nlohmann::json& LogicSpec::list_of(const nlohmann::json& value, std::string_view what,
                                         std::size_t min_size, std::size_t max_size) const {
  if (!value.is_array()) fail(std::string(what) + " is no list");
  if (value.size() < min_size || value.size() > max_size) {
    fail(std::string(what) + " has " + std::to_string(value.size()) + " entries (need " +
         std::to_string(min_size) + " .. " + std::to_string(max_size) + ")");
  }
  return value;
}

std::int64_t LogicSpec::integer(const char* key, std::int64_t low, std::int64_t high) const {
  return integer_of(member(key), quoted(key), low, high);
}

bool LogicSpec::flag(const char* key) const {
  const auto& value = member(key);
  if (!value.is_boolean()) fail(quoted(key) + " is neither true nor false");
  return value.get<bool>();
}

const std::string& LogicSpec::text(const char* key, std::size_t max_bytes) const {
  return text_of(member(key), quoted(key), max_bytes);
}

const nlohmann::json& LogicSpec::list(const char* key, std::size_t min_size, std::size_t max_size) const {
  return list_of(member(key), quoted(key), min_size, max_size);
}

}  // namespace reckon
