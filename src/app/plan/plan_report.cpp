#include "plan_report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "app/display.h"
#include "text_table.h"

namespace reckon {
namespace {

using nlohmann::ordered_json;

/// Three digits, or all of a larger number.
std::string digits(double value) {
  if (value == 0) return "0";
  const int before = static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  return fixed(value, std::clamp(3 - before, 0, 4));
}

std::string percent(double share) {
  return fixed(100 * share, 0) + " %";
}

std::string size_text(double mb) {
  if (mb < 10000) return digits(mb) + " MiB";
  return digits(mb / 1024) + " GiB";
}

std::string bytes_text(double bytes) {
  for (const auto& [unit, size] : {std::pair{"GB", 1e9}, std::pair{"MB", 1e6}, std::pair{"kB", 1e3}}) {
    if (bytes >= size) return digits(bytes / size) + " " + unit;
  }
  return digits(bytes) + " B";
}

std::string seconds_text(double seconds) {
  return seconds < 1 ? digits(seconds * 1000) + " ms" : digits(seconds) + " s";
}

/// 12345 as "12.3k", 7.6e9 as "7.62 G".
std::string count_text(double count) {
  return count < 1e9 ? short_count(count) : digits(count / 1e9) + " G";
}

const char* role_name(plan::Role role) {
  if (role == plan::Role::both) return "every rank";
  return role == plan::Role::worker ? "a worker" : "a learner";
}

/// Rows named as the stages' parts are, in the order in which they come first.
void add_parts(
    TextTable& table, const std::vector<StagePlan>& stages,
    const std::function<std::vector<std::pair<std::string, std::string>>(const StagePlan&)>& parts) {
  std::vector<std::string> names;
  for (const StagePlan& stage : stages) {
    for (const auto& [name, value] : parts(stage)) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  for (const std::string& name : names) {
    std::vector<std::string> row = {"  " + name};
    for (const StagePlan& stage : stages) {
      std::string cell;
      for (const auto& [part, value] : parts(stage)) {
        if (part == name) cell = value;
      }
      row.push_back(cell);
    }
    table.add(std::move(row));
  }
}

void add_row(TextTable& table, const std::string& name, const std::vector<StagePlan>& stages,
             const std::function<std::string(const StagePlan&)>& cell) {
  std::vector<std::string> row = {name};
  for (const StagePlan& stage : stages) row.push_back(cell(stage));
  table.add(std::move(row));
}

std::vector<std::pair<std::string, std::string>> memory_cells(const StagePlan& stage) {
  std::vector<std::pair<std::string, std::string>> cells;
  for (const plan::MemoryPart& part : stage.memory) cells.emplace_back(part.name, size_text(part.mb));
  return cells;
}

std::vector<std::pair<std::string, std::string>> time_cells(const StagePlan& stage) {
  std::vector<std::pair<std::string, std::string>> cells;
  for (const auto* parts : {&stage.time.worker, &stage.time.learner}) {
    for (const plan::TimePart& part : *parts) cells.emplace_back(part.name, seconds_text(part.seconds));
  }
  if (stage.time.sync_s > 0) cells.emplace_back("weights to workers", seconds_text(stage.time.sync_s));
  return cells;
}

std::vector<std::pair<std::string, std::string>> traffic_cells(const StagePlan& stage) {
  std::vector<std::pair<std::string, std::string>> cells;
  for (const plan::TrafficPart& part : stage.time.traffic)
    cells.emplace_back(part.name, bytes_text(part.bytes));
  return cells;
}

std::string stages_table(const PlanInputs& inputs, const std::vector<StagePlan>& stages) {
  std::vector<std::string> head = {""};
  for (const StagePlan& stage : stages) head.push_back(stage.name);
  TextTable table(head);
  add_row(table, "memory a rank", stages,
          [](const StagePlan& s) { return size_text(plan::total_mb(s.memory)); });
  add_parts(table, stages, memory_cells);
  if (inputs.is_gpu)
    add_row(table, "  in the host's memory", stages, [](const StagePlan& s) { return size_text(s.host_mb); });
  add_row(table, "time a step", stages, [](const StagePlan& s) {
    return s.work == plan::Work::eval ? seconds_text(s.total_s) : seconds_text(s.step_s);
  });
  add_parts(table, stages, time_cells);
  add_row(table, "sent by a rank in a step", stages, [](const StagePlan& s) {
    double bytes = 0;
    for (const plan::TrafficPart& part : s.time.traffic) bytes += part.bytes;
    return bytes_text(bytes);
  });
  add_parts(table, stages, traffic_cells);
  add_row(table, "tokens/s", stages, [](const StagePlan& s) { return short_count(s.tokens_per_s); });
  add_row(table, "whole stage", stages, [](const StagePlan& s) { return clock_text(s.total_s); });
  add_row(table, "fits: micro_batch_leaves", stages, [](const StagePlan& s) {
    return s.work == plan::Work::eval ? "" : std::to_string(s.most_micro_batch_leaves);
  });
  add_row(table, "fits: max_batch", stages, [](const StagePlan& s) {
    return s.work == plan::Work::sft ? "" : std::to_string(s.most_max_batch);
  });
  return table.text();
}

}  // namespace

std::string plan_head(const PlanOptions& options, const PlanInputs& inputs) {
  const std::int64_t ranks = inputs.network.ranks();
  std::string text = options.file + ": " + count_text(inputs.shape.parameters()) + " parameters (" +
                     std::to_string(inputs.shape.num_hidden_layers) + " layers of " +
                     std::to_string(inputs.shape.hidden_size) + ", vocabulary " +
                     std::to_string(inputs.shape.vocab_size) + ") on " + std::to_string(ranks) +
                     (ranks == 1 ? " rank" : " ranks");
  if (inputs.network.nodes > 1)
    text += ", " + std::to_string(inputs.network.nodes) + " nodes of " +
            std::to_string(inputs.network.ranks_per_node) + ", " + fixed(options.node_gbps, 0) +
            " Gb/s a node";
  text += "\nmachine: " + inputs.machine + "\n";
  for (const PlannedStage& stage : inputs.stages) {
    if (stage.load.work != plan::Work::grpo) continue;
    const plan::Lengths& lengths = stage.load.completions;
    text += "lengths: " + stage.load.name + ": prompts " + fixed(stage.load.mean_prompt, 0) +
            " tokens, completions " + fixed(lengths.mean(), 1) + " on average, " +
            fixed(lengths.quantile(0.95), 0) + " at the 95th percentile, at most " +
            std::to_string(stage.load.max_new_tokens) + "\n";
  }
  for (const std::string& note : inputs.notes) text += "note: " + note + "\n";
  return text;
}

std::string plan_text(const PlanOptions& options, const PlanInputs& inputs,
                      const std::vector<StagePlan>& stages, const LargestModel& largest,
                      const std::vector<ScheduleRow>& schedules) {
  std::string text = plan_head(options, inputs) + "\n" + stages_table(inputs, stages) + "\n";
  double seconds = 0, most_mb = 0;
  const StagePlan* fullest = &stages.front();
  for (const StagePlan& stage : stages) {
    seconds += stage.total_s;
    if (plan::total_mb(stage.memory) > most_mb) fullest = &stage;
    most_mb = std::max(most_mb, plan::total_mb(stage.memory));
  }
  text += "all stages: " + clock_text(seconds) + "; most memory: " + size_text(most_mb) + " for " +
          role_name(fullest->role) + ", in " + fullest->name;
  if (std::isfinite(inputs.memory_mb)) {
    const bool fits = most_mb <= inputs.memory_mb;
    text += (fits ? ", of " : ": MORE THAN THE ") + size_text(inputs.memory_mb) +
            (fits ? " that a rank may take" : " THAT A RANK MAY TAKE");
  }
  text += "\nlargest model without tensor parallelism, all else as it is: ";
  text += largest.parameters > 0 ? count_text(largest.parameters) + " parameters in this shape" : "none";
  text += largest.known_name.empty() ? "" : "; of published ones " + largest.known_name;
  text += "\ngrading a reference solution takes " + seconds_text(inputs.grade_s) +
          ", on threads of its own beside sampling\n";
  if (!schedules.empty())
    text +=
        "\nidle shares of " + sampled_stage(inputs)->load.name + ", simulated:\n" + schedules_text(schedules);
  return text;
}

std::string schedules_text(const std::vector<ScheduleRow>& rows) {
  TextTable table({"ranks", "workers + learners", "schedule", "step", "idle: workers", "learners",
                   "staleness", "most", "dropped", "tokens/s"});
  for (const ScheduleRow& row : rows) {
    const plan::SimulationResult& r = row.result;
    const std::string roles = row.schedule.split
                                  ? std::to_string(row.job.workers) + " + " + std::to_string(row.job.learners)
                                  : "all both";
    table.add({std::to_string(row.ranks), roles, row.name, seconds_text(r.step_s), percent(r.worker_idle),
               percent(r.learner_idle), fixed(r.mean_staleness, 2), std::to_string(r.max_staleness),
               percent(r.dropped_share()), count_text(r.tokens_per_s)});
  }
  return table.text();
}

nlohmann::ordered_json schedules_json(const std::vector<ScheduleRow>& rows) {
  ordered_json out = ordered_json::array();
  for (const ScheduleRow& row : rows) {
    const plan::SimulationResult& r = row.result;
    out.push_back({{"ranks", row.ranks},
                   {"workers", row.job.workers},
                   {"learners", row.job.learners},
                   {"schedule", row.name},
                   {"step_s", r.step_s},
                   {"worker_idle", r.worker_idle},
                   {"learner_idle", r.learner_idle},
                   {"mean_staleness", r.mean_staleness},
                   {"max_staleness", r.max_staleness},
                   {"issued", r.issued},
                   {"trained", r.trained},
                   {"dropped", r.dropped},
                   {"in_flight", r.in_flight},
                   {"tokens_per_s", r.tokens_per_s}});
  }
  return out;
}

nlohmann::ordered_json plan_json(const PlanInputs& inputs, const std::vector<StagePlan>& stages,
                                 const LargestModel& largest, const std::vector<ScheduleRow>& schedules) {
  ordered_json out = {{"parameters", inputs.shape.parameters()},
                      {"nodes", inputs.network.nodes},
                      {"ranks", inputs.network.ranks()},
                      {"machine", inputs.machine},
                      {"memory_mb_of_a_rank", inputs.memory_mb},
                      {"program_mb", inputs.program_mb},
                      {"grade_s", inputs.grade_s},
                      {"notes", inputs.notes}};
  for (const StagePlan& stage : stages) {
    ordered_json one = {{"name", stage.name},
                        {"workers", stage.placement.workers},
                        {"learners", stage.placement.learners},
                        {"memory_mb", plan::total_mb(stage.memory)},
                        {"host_mb", stage.host_mb},
                        {"step_s", stage.step_s},
                        {"total_s", stage.total_s},
                        {"tokens_per_s", stage.tokens_per_s},
                        {"most_micro_batch_leaves", stage.most_micro_batch_leaves},
                        {"most_max_batch", stage.most_max_batch}};
    for (const plan::MemoryPart& part : stage.memory) one["memory"][part.name] = part.mb;
    for (const auto* parts : {&stage.time.worker, &stage.time.learner}) {
      for (const plan::TimePart& part : *parts) one["seconds"][part.name] = part.seconds;
    }
    for (const plan::TrafficPart& part : stage.time.traffic) one["sent_bytes"][part.name] = part.bytes;
    out["stages"].push_back(std::move(one));
  }
  out["largest_model"] = {{"parameters", largest.parameters}, {"published", largest.known_name}};
  out["schedules"] = schedules_json(schedules);
  return out;
}

}  // namespace reckon
