#include "report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/display.h"

namespace reckon::selftest {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kPropertyWidth = 18;
constexpr std::size_t kResultWidth = 7;
constexpr std::size_t kTimeWidth = 7;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

/// The words of a text on indented lines. A word that is longer than a line, a path or a hash, has one alone.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string lines, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && 3 + line.size() + word.size() > kWidth) {
      lines += "  " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return lines + "  " + line;
}

std::size_t count(const std::vector<Row>& rows, Result result) {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.outcome.result == result; }));
}

}  // namespace

std::string row_json(const Row& row) {
  const nlohmann::ordered_json object = {{"property", row.property},
                                         {"result", enum_name(row.outcome.result)},
                                         {"seconds", row.seconds},
                                         {"compared", row.outcome.compared},
                                         {"detail", row.outcome.detail}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string table_head() {
  return padded("property", kPropertyWidth) + "  " + padded("result", kResultWidth) + "  " +
         right_aligned("time", kTimeWidth) + "  compared";
}

std::string table_line(const Row& row) {
  const std::string property = padded(row.property, kPropertyWidth) + "  ";
  if (row.outcome.result == Result::skipped) return property + "skipped (" + row.outcome.compared + ")";
  const std::string result = row.outcome.result == Result::fail ? "FAIL" : "pass";
  return property + padded(result, kResultWidth) + "  " +
         right_aligned(fixed(row.seconds, 2) + " s", kTimeWidth) + "  " + row.outcome.compared;
}

std::string table_foot(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    if (row.outcome.result != Result::fail) continue;
    text += "\nFAIL " + row.property + "\n" + wrapped(row.outcome.detail) + "\n";
  }
  double seconds = 0;
  for (const Row& row : rows) seconds += row.seconds;
  text += "\n" + std::to_string(count(rows, Result::pass)) + " passed, " +
          std::to_string(count(rows, Result::fail)) + " failed, " +
          std::to_string(count(rows, Result::skipped)) + " skipped in " + fixed(seconds, 1) + " s";
  return text;
}

std::string failed_properties(const std::vector<Row>& rows) {
  std::string names;
  for (const Row& row : rows) {
    if (row.outcome.result == Result::fail) names += (names.empty() ? "" : ", ") + row.property;
  }
  return names;
}

}  // namespace reckon::selftest
