#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/task/config.h"

namespace reckon {

/// Inclusive bounds of whole numbers; of how many, too.
struct GridRange {
  int low = 0;
  int high = 0;
};

/// The spec of a puzzle, a JSON object, read with checks of types, ranges and sizes: a spec may come from
/// anybody. Errors are Error(bad_data) and begin with "<kind>: spec: ".
class GridSpec {
 public:
  /// \throws Error(bad_data) where the text is no JSON object.
  GridSpec(TaskKind kind, std::string_view spec);

  [[noreturn]] void fail(const std::string& what) const;

  [[nodiscard]] bool has(const char* key) const { return rules_.contains(key); }
  [[nodiscard]] int integer(const char* key, GridRange range) const;
  /// An array of as many numbers as count says.
  [[nodiscard]] std::vector<int> integers(const char* key, GridRange count, GridRange range) const;
  /// An array of arrays of numbers: as many as num_rows says, each as long as row_size says.
  [[nodiscard]] std::vector<std::vector<int>> rows(const char* key, GridRange num_rows, GridRange row_size,
                                                   GridRange range) const;
  /// An array of strings: as many as count says, each as long as size says.
  [[nodiscard]] std::vector<std::string> strings(const char* key, GridRange count, GridRange size) const;

 private:
  [[nodiscard]] const nlohmann::json& member(const char* key) const;
  [[nodiscard]] int integer_of(const nlohmann::json& value, const char* key, GridRange range) const;
  void check_array(const nlohmann::json& value, const char* key, GridRange count, const char* of_what) const;

  std::string where_;
  nlohmann::json rules_;
};

}  // namespace reckon
