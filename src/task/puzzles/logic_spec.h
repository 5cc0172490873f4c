#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace reckon {

/// The spec of a problem, read with checks: whatever stands in it, a message comes out and nothing hangs.
/// Every member throws Error(bad_data) "<kind>: spec: <what is wrong> (<what is needed>)".
class LogicSpec {
 public:
  /// \param kind  name of the task's kind. \param text  one JSON object of at most 256 KiB.
  LogicSpec(std::string_view kind, std::string_view text);

  [[nodiscard]] std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] bool flag(const char* key) const;
  /// \param max_bytes  longest text; at least one byte is needed.
  [[nodiscard]] const std::string& text(const char* key, std::size_t max_bytes) const;
  [[nodiscard]] const nlohmann::json& list(const char* key, std::size_t min_size, std::size_t max_size) const;

  /// The same of values inside lists; `what` names the value in the message.
  [[nodiscard]] std::int64_t integer_of(const nlohmann::json& value, std::string_view what, std::int64_t low,
                                        std::int64_t high) const;
  [[nodiscard]] const std::string& text_of(const nlohmann::json& value, std::string_view what,
                                           std::size_t max_bytes) const;
  [[nodiscard]] const nlohmann::json& list_of(const nlohmann::json& value, std::string_view what,
                                              std::size_t min_size, std::size_t max_size) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[nodiscard]] const nlohmann::json& member(const char* key) const;

  std::string where_;
  nlohmann::json object_;
};

}  // namespace reckon
