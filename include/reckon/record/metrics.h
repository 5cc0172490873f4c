#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "reckon/record/line_file.h"

namespace reckon {

/// What is measured of one step of one stage, in the order in which it was added.
struct MetricsRow {
  using Value = std::variant<double, std::int64_t, std::string>;
  std::string stage;
  std::uint64_t step = 0;
  std::vector<std::pair<std::string, Value>> values;  ///< names other than "stage" and "step", each once

  void add(std::string name, std::floating_point auto value) {
    values.emplace_back(std::move(name), static_cast<double>(value));
  }
  void add(std::string name, std::integral auto value) {
    values.emplace_back(std::move(name), static_cast<std::int64_t>(value));
  }
  void add(std::string name, std::string text) { values.emplace_back(std::move(name), std::move(text)); }
};

/// Whether a name's numbers depend on clock or machine: `seconds`, `*_seconds`, `rss_*`. All others are the
/// same bits in every run of a recipe, on any number of ranks, resumed or not.
[[nodiscard]] bool is_measurement(std::string_view name);

/// `metrics.jsonl` of a run: one JSON object a line, `{"stage": ..., "step": ..., <name>: <number or text>,
/// ...}`. The file only grows: a run that is resumed goes on behind what is there.
class MetricsStream {
 public:
  /// \throws Error(io) where the file cannot be written.
  explicit MetricsStream(const std::filesystem::path& file) : lines_(file) {}

  /// Writes one line, which other programs can read when this returns. A double reads back as the same
  /// double; a number that is not finite becomes null, for which JSON has no other word. \throws Error(io);
  /// Error(internal) for a name that stands twice in the row.
  void write(const MetricsRow& row);
  /// Of the file. \throws Error(io).
  [[nodiscard]] std::uint64_t bytes() const { return lines_.bytes(); }

 private:
  LineFile lines_;
};

}  // namespace reckon
