#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rollout_schema.h"

namespace reckon {

/// Elements of one column that a step may have; a longer one is damage, not data.
inline constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 31;

struct RowRange {
  std::uint64_t first = 0, count = 0;
};

/// The tables of a log, of which nothing is believed: every number is held against the columns' own sizes
/// before it is used. It reads whatever has a name(), a size() and a read(first, count) as a column: those
/// of a file, or a fuzzer's in memory.
template <class Tables>
class CheckedTables {
 public:
  CheckedTables(std::string path, Tables tables) : path_(std::move(path)), tables_(std::move(tables)) {}

  /// \throws Error(bad_data) `<path>: <dataset>: <what>. Is the file damaged?`
  [[noreturn]] void fail(const std::string& dataset, const std::string& what) const {
    throw Error(ExitCode::bad_data, path_ + ": " + dataset + ": " + what + ". Is the file damaged?");
  }

  /// \throws Error(bad_data) where the column has not all of these rows
  template <class Cells>
  void check_rows(const Cells& column, RowRange range) const {
    if (range.first > column.size() || range.count > column.size() - range.first ||
        range.count > kMaxElements) {
      fail(column.name(), std::to_string(column.size()) + " rows (need rows " + std::to_string(range.first) +
                              " to " + std::to_string(range.first) + " + " + std::to_string(range.count) +
                              ")");
    }
  }
  template <class Cells>
  [[nodiscard]] auto read(const Cells& column, RowRange range) const {
    check_rows(column, range);
    return column.read(range.first, range.count);
  }
  template <class Cells>
  [[nodiscard]] auto read_one(const Cells& column, std::uint64_t row) const {
    return read(column, {row, 1}).front();
  }

  /// The offsets of some rows, one more than rows: the file's first is 0, they ascend, and none is past the
  /// values.
  template <class Cells>
  [[nodiscard]] std::vector<std::uint64_t> read_offsets(const Cells& column, RowRange rows,
                                                        std::uint64_t num_values) const {
    const std::vector<std::uint64_t> offsets = read(column, {rows.first, rows.count + 1});
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const std::uint64_t low = i == 0 ? 0 : offsets[i - 1];
      const std::uint64_t high = rows.first + i == 0 ? 0 : num_values;
      if (offsets[i] < low || offsets[i] > high) {
        fail(column.name(), "entry " + std::to_string(rows.first + i) + " is " + std::to_string(offsets[i]) +
                                " (need at least " + std::to_string(low) + " and at most " +
                                std::to_string(high) + ")");
      }
    }
    return offsets;
  }

  template <class Ragged>
  [[nodiscard]] auto read_row(const Ragged& ragged, std::uint64_t row) const {
    const auto ends = read_offsets(ragged.offsets, {row, 1}, ragged.values.size());
    return read(ragged.values, {ends[0], ends[1] - ends[0]});
  }
  template <class Ragged>
  [[nodiscard]] std::string read_text(const Ragged& ragged, std::uint64_t row) const {
    const std::vector<char> bytes = read_row(ragged, row);
    return {bytes.begin(), bytes.end()};
  }

  template <class Enum, class Cells>
  [[nodiscard]] std::vector<Enum> read_codes(const Cells& column, RowRange range) const {
    std::vector<Enum> values;
    for (const std::uint8_t code : read(column, range)) {
      values.push_back(static_cast<Enum>(code));
      if (enum_name(values.back()) == "?") {
        fail(column.name(),
             "unknown code " + std::to_string(code) + " (need one of the column's attributes)");
      }
    }
    return values;
  }

  /// 64 hexadecimal digits, or "" where there are none.
  template <class Cells>
  [[nodiscard]] std::string read_digest(const Cells& column, std::uint64_t row) const {
    const HexDigest cell = read_one(column, row);
    if (cell == HexDigest{}) return "";
    const bool is_digest = std::all_of(
        cell.begin(), cell.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (!is_digest) {
      fail(column.name(), "row " + std::to_string(row) + " is no SHA-256 (need 64 hexadecimal digits)");
    }
    return {cell.begin(), cell.end()};
  }

  [[nodiscard]] const Tables& tables() const { return tables_; }

 private:
  std::string path_;
  Tables tables_;
};

}  // namespace reckon
