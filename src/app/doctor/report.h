#pragma once

#include <string>
#include <vector>

#include "finding.h"

namespace reckon::doctor {

/// One line of the table.
struct Row {
  std::string check;
  Finding finding;
  double seconds = 0;
};

/// As JSON: {"check", "verdict", "found", "advice": [...], "seconds"}.
[[nodiscard]] std::string row_json(const Row& row);

// The table for people.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Row& row);
/// What stands below: what is wrong and what to do, and how many rows there are of each verdict.
[[nodiscard]] std::string table_foot(const std::vector<Row>& rows);

/// The names of the checks that failed, with commas between them; empty where none did.
[[nodiscard]] std::string failed_checks(const std::vector<Row>& rows);

}  // namespace reckon::doctor
