#include "reckon/record/summary.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "reckon/base/atomic_file.h"

namespace reckon {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNumColumns = 7;
using TableRow = std::array<std::string, kNumColumns>;

void add_extra(Json& object, const ExtraNumbers& extra) {
  for (const auto& [name, value] : extra) object[name] = value;
}

Json result_json(const TaskResult& result) {
  Json object;
  object["pass_at_1"] = result.pass_at_1;
  object["ci95"] = result.ci95;
  object["n"] = result.n;
  object["mean_tokens"] = result.mean_tokens;
  object["greedy"] = result.greedy;
  add_extra(object, result.extra);
  return object;
}

Json stage_json(const StageSummary& stage) {
  Json object;
  object["kind"] = stage.kind;
  object["seconds"] = stage.seconds;
  object["steps"] = stage.steps;
  if (!stage.evaluates.empty()) object["from"] = stage.evaluates;
  for (const auto& [task, result] : stage.tasks) object["eval"][task] = result_json(result);
  add_extra(object, stage.extra);
  return object;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// Columns on a terminal: code points, of which the table has none that is wide or combining.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

const StageSummary* find_stage(const Summary& summary, std::string_view name) {
  const auto found = std::find_if(summary.stages.begin(), summary.stages.end(),
                                  [&](const StageSummary& stage) { return stage.name == name; });
  return found == summary.stages.end() ? nullptr : &*found;
}

std::vector<TableRow> table_rows(const Summary& summary) {
  std::vector<TableRow> rows = {
      {"stage", "task", "pass@1 ± 95 %", "greedy", "mean tokens", "steps", "seconds"}};
  for (const StageSummary& stage : summary.stages) {
    if (!stage.evaluates.empty() && find_stage(summary, stage.evaluates) != nullptr) continue;
    const std::size_t first = rows.size();
    for (const auto& [task, result] : stage.tasks) {
      rows.push_back({stage.name, task, fixed(result.pass_at_1, 3) + " ± " + fixed(result.ci95, 3),
                      fixed(result.greedy, 3), fixed(result.mean_tokens, 1), "", ""});
    }
    if (stage.tasks.empty()) rows.push_back({stage.name, "-", "-", "-", "-", "", ""});
    rows[first][5] = std::to_string(stage.steps);
    rows[first][6] = fixed(stage.seconds, 1);
  }
  return rows;
}

}  // namespace

void StageSummary::enter_extra(const std::string& number, double value) {
  const auto found =
      std::find_if(extra.begin(), extra.end(), [&](const auto& known) { return known.first == number; });
  if (found == extra.end()) {
    extra.emplace_back(number, value);
  } else {
    found->second = value;
  }
}

StageSummary& Summary::stage(std::string_view name) {
  const auto found = std::find_if(stages.begin(), stages.end(),
                                  [&](const StageSummary& entry) { return entry.name == name; });
  if (found != stages.end()) return *found;
  stages.push_back({.name = std::string(name), .kind = {}, .evaluates = {}, .tasks = {}, .extra = {}});
  return stages.back();
}

void Summary::enter_result(std::string_view stage_name, std::string_view from, const std::string& task,
                           const TaskResult& result) {
  const auto enter = [&](StageSummary& entry) {
    const auto found = std::find_if(entry.tasks.begin(), entry.tasks.end(),
                                    [&](const auto& known) { return known.first == task; });
    if (found == entry.tasks.end()) {
      entry.tasks.emplace_back(task, result);
    } else {
      found->second = result;
    }
  };
  enter(stage(stage_name));
  if (from.empty() || from == stage_name) return;  // a stage that evaluates its own policy
  stage(stage_name).evaluates = from;
  if (find_stage(*this, from) != nullptr) enter(stage(from));
}

std::string summary_json(const Summary& summary) {
  Json object;
  object["run"] = summary.run;
  object["complete"] = summary.complete;
  object["stages"] = Json::object();
  for (const StageSummary& entry : summary.stages) object["stages"][entry.name] = stage_json(entry);
  add_extra(object, summary.extra);
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_summary(const std::filesystem::path& file, const Summary& summary) {
  write_file_atomic(file, summary_json(summary));
}

std::string summary_table(const Summary& summary) {
  const std::vector<TableRow> rows = table_rows(summary);
  std::array<std::size_t, kNumColumns> widths{};
  for (const TableRow& row : rows) {
    for (std::size_t c = 0; c < kNumColumns; ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string table;
  for (const TableRow& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < kNumColumns; ++c) {
      const std::string padding(widths[c] - width_of(row[c]), ' ');
      const bool is_name = c < 2;  // names stand left, numbers right
      line += (c == 0 ? "" : "  ") + (is_name ? row[c] + padding : padding + row[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  return table;
}

}  // namespace reckon
