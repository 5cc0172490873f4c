#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outcome.h"

namespace reckon::selftest {

/// One line of the table.
struct Row {
  std::string property;
  Outcome outcome;
  double seconds = 0;
};

/// As JSON: {"property", "result", "seconds", "compared", "detail"}.
[[nodiscard]] std::string row_json(const Row& row);

// The table for people, at most 80 columns wide.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Row& row);
/// What stands below: the detail of each row that failed, and how many there are of each result.
[[nodiscard]] std::string table_foot(const std::vector<Row>& rows);

/// The names of the rows that failed, with commas between them; empty where none did.
[[nodiscard]] std::string failed_properties(const std::vector<Row>& rows);

}  // namespace reckon::selftest
