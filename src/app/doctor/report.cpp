#include "report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/display.h"

namespace reckon::doctor {
namespace {

constexpr std::size_t kCheckWidth = 16, kVerdictWidth = 7;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

/// Capitals for what is to be looked at.
std::string verdict_text(Verdict verdict) {
  if (verdict == Verdict::warn) return "WARN";
  return verdict == Verdict::fail ? "FAIL" : std::string(enum_name(verdict));
}

std::string count_of(const std::vector<Row>& rows, Verdict verdict) {
  return std::to_string(std::count_if(rows.begin(), rows.end(),
                                      [&](const Row& row) { return row.finding.verdict == verdict; }));
}

}  // namespace

std::string row_json(const Row& row) {
  const nlohmann::ordered_json object = {{"check", row.check},
                                         {"verdict", enum_name(row.finding.verdict)},
                                         {"found", row.finding.found},
                                         {"advice", row.finding.advice},
                                         {"seconds", row.seconds}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string table_head() {
  return padded("check", kCheckWidth) + "  " + padded("verdict", kVerdictWidth) + "  found";
}

std::string table_line(const Row& row) {
  return padded(row.check, kCheckWidth) + "  " + padded(verdict_text(row.finding.verdict), kVerdictWidth) +
         "  " + row.finding.found;
}

std::string table_foot(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    for (const std::string& advice : row.finding.advice)
      text += "\n" + verdict_text(row.finding.verdict) + " " + row.check + ": " + advice + "\n";
  }
  double seconds = 0;
  for (const Row& row : rows) seconds += row.seconds;
  return text + "\n" + count_of(rows, Verdict::pass) + " passed, " + count_of(rows, Verdict::warn) +
         " warned, " + count_of(rows, Verdict::fail) + " failed, " + count_of(rows, Verdict::skipped) +
         " skipped in " + fixed(seconds, 1) + " s";
}

std::string failed_checks(const std::vector<Row>& rows) {
  std::string names;
  for (const Row& row : rows) {
    if (row.finding.verdict == Verdict::fail) names += (names.empty() ? "" : ", ") + row.check;
  }
  return names;
}

}  // namespace reckon::doctor
