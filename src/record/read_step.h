#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checked_tables.h"
#include "reckon/record/rollout_log.h"

/// One step of a log, put together from the columns of its tables.
namespace reckon {

/// The columns of one step's completions.
struct StepColumns {
  std::vector<std::uint64_t> step, prompt_row, visit, group_id, policy_version, admission, text_offsets,
      token_offsets, token_version;
  std::vector<std::uint32_t> sample_index, token_id;
  std::vector<FinishReason> finish_reason;
  std::vector<Grade> grade;
  std::vector<Verdict> verdict;
  std::vector<float> reward, advantage, temperature, sampler_logprob;
  std::vector<std::vector<float>> reward_terms;
  std::vector<char> text;
};

template <class Tables>
StepColumns read_columns(const CheckedTables<Tables>& in, RowRange rows) {
  const auto& completions = in.tables().completions;
  const auto& tokens = in.tables().tokens;
  StepColumns out;
  out.step = in.read(completions.step, rows);
  out.prompt_row = in.read(completions.prompt_row, rows);
  out.visit = in.read(completions.visit, rows);
  out.group_id = in.read(completions.group_id, rows);
  out.sample_index = in.read(completions.sample_index, rows);
  out.policy_version = in.read(completions.policy_version, rows);
  out.finish_reason = in.template read_codes<FinishReason>(completions.finish_reason, rows);
  out.grade = in.template read_codes<Grade>(completions.grade, rows);
  out.verdict = in.template read_codes<Verdict>(completions.verdict, rows);
  out.reward = in.read(completions.reward, rows);
  out.advantage = in.read(completions.advantage, rows);
  out.temperature = in.read(completions.temperature, rows);
  out.admission = in.read(completions.admission, rows);
  out.text_offsets = in.read_offsets(completions.text.offsets, rows, completions.text.values.size());
  out.token_offsets = in.read_offsets(completions.token_offset, rows, tokens.id.size());
  for (const auto& [name, column] : in.tables().rewards) out.reward_terms.push_back(in.read(column, rows));
  const RowRange text{out.text_offsets.front(), out.text_offsets.back() - out.text_offsets.front()};
  const RowRange token{out.token_offsets.front(), out.token_offsets.back() - out.token_offsets.front()};
  out.text = in.read(completions.text.values, text);
  out.token_id = in.read(tokens.id, token);
  out.sampler_logprob = in.read(tokens.sampler_logprob, token);
  if (tokens.policy_version) out.token_version = in.read(*tokens.policy_version, token);
  return out;
}

template <class Tables>
Prompt read_prompt(const CheckedTables<Tables>& in, std::uint64_t row) {
  const auto& prompts = in.tables().prompts;
  Prompt prompt;
  prompt.id = in.read_one(prompts.id, row);
  prompt.level = in.read_one(prompts.level, row);
  prompt.task = in.read_text(prompts.task, row);
  prompt.source = in.read_text(prompts.source, row);
  prompt.gold = in.read_text(prompts.gold, row);
  prompt.spec = in.read_text(prompts.spec, row);
  prompt.text = in.read_text(prompts.text, row);
  prompt.token_ids = in.read_row(prompts.token_ids, row);
  return prompt;
}

/// The versions of a completion's tokens: of each, or of the completion where the log has no others.
template <class Tables>
std::vector<VersionRun> read_versions(const CheckedTables<Tables>& in, const StepColumns& columns,
                                      std::size_t i) {
  const std::uint64_t first = columns.token_offsets[i] - columns.token_offsets.front();
  const std::uint64_t count = columns.token_offsets[i + 1] - columns.token_offsets[i];
  const std::uint64_t version = columns.policy_version[i];
  std::vector<VersionRun> runs;
  for (std::uint64_t t = 0; t < count; ++t) {
    const std::uint64_t of_token =
        in.tables().tokens.policy_version ? columns.token_version[first + t] : version;
    if (runs.empty() || of_token != runs.back().version) runs.push_back({t, of_token});
    const std::uint64_t least = runs.size() == 1 ? version : runs[runs.size() - 2].version;
    if (runs.size() == 1 ? of_token == version : of_token > least) continue;
    in.fail("tokens/policy_version", "row " + std::to_string(columns.token_offsets[i] + t) + " is " +
                                         std::to_string(of_token) + " (need " + (t == 0 ? "" : "at least ") +
                                         std::to_string(least) + ", as " +
                                         (t == 0 ? "its completion" : "the token before") + ")");
  }
  return runs;
}

inline Completion make_completion(const StepColumns& columns, std::size_t i, const Group& group) {
  const auto piece = [i](const auto& values, const std::vector<std::uint64_t>& offsets) {
    const auto at = [&](std::size_t k) {
      return values.begin() + static_cast<std::ptrdiff_t>(offsets[k] - offsets.front());
    };
    return std::pair(at(i), at(i + 1));
  };
  Completion completion;
  completion.prompt_id = group.prompt.id;
  completion.group_id = group.group_id;
  completion.sample_index = columns.sample_index[i];
  completion.policy_version = columns.policy_version[i];
  const auto tokens = piece(columns.token_id, columns.token_offsets);
  completion.token_ids.assign(tokens.first, tokens.second);
  const auto logprobs = piece(columns.sampler_logprob, columns.token_offsets);
  completion.sampler_logprob.assign(logprobs.first, logprobs.second);
  completion.finish_reason = columns.finish_reason[i];
  const auto text = piece(columns.text, columns.text_offsets);
  completion.text.assign(text.first, text.second);
  completion.grade = columns.grade[i];
  completion.verdict = columns.verdict[i];
  for (const auto& term : columns.reward_terms) completion.reward_terms.push_back(term[i]);
  completion.reward = columns.reward[i];
  completion.advantage = columns.advantage[i];
  return completion;
}

/// What is the same in all rows of a step or of a group must be: the step that is read back has it once, and
/// a difference would be lost. \param first_row  in the file, of the step
template <class Tables>
void check_same_in_rows(const CheckedTables<Tables>& in, const StepColumns& columns, std::uint64_t step,
                        std::uint64_t first_row) {
  for (std::size_t i = 0; i < columns.step.size(); ++i) {
    const std::string row = "row " + std::to_string(first_row + i);
    if (columns.step[i] != step) {
      in.fail("completions/step", row + " is of step " + std::to_string(columns.step[i]) + " (need " +
                                      std::to_string(step) + ", as /steps says)");
    }
    if (i == 0) continue;
    if (std::bit_cast<std::uint32_t>(columns.temperature[i]) !=
        std::bit_cast<std::uint32_t>(columns.temperature[i - 1])) {
      in.fail("completions/temperature", row + " is " + std::to_string(columns.temperature[i]) + " (need " +
                                             std::to_string(columns.temperature[i - 1]) +
                                             ", as the step's other rows)");
    }
    if (columns.group_id[i] != columns.group_id[i - 1]) continue;
    const auto check = [&](const char* column, const std::vector<std::uint64_t>& values) {
      if (values[i] == values[i - 1]) return;
      in.fail(column, row + " is " + std::to_string(values[i]) + " (need " + std::to_string(values[i - 1]) +
                          ", as the rest of group " + std::to_string(columns.group_id[i]) + ")");
    };
    check("completions/prompt_row", columns.prompt_row);
    check("completions/visit", columns.visit);
    check("completions/admission", columns.admission);
  }
}

/// The rows of the completions of a step.
template <class Tables>
RowRange rows_of_step(const CheckedTables<Tables>& in, std::uint64_t index) {
  const auto& steps = in.tables().steps;
  const auto range_of = [&](std::uint64_t i) {
    return RowRange{in.read_one(steps.first_completion, i), in.read_one(steps.num_completions, i)};
  };
  const RowRange rows = range_of(index);
  const RowRange before = index == 0 ? RowRange{} : range_of(index - 1);
  const std::uint64_t expected = before.first + before.count;
  if (rows.first != expected) {
    in.fail("steps/first_completion", "row " + std::to_string(index) + " is " + std::to_string(rows.first) +
                                          " (need " + std::to_string(expected) +
                                          ", the end of the step before)");
  }
  in.check_rows(in.tables().completions.step, rows);
  return rows;
}

/// Group::place() of the groups of a step, in the order in which they lie there. \throws as CheckedTables::fail()
template <class Tables>
std::vector<std::uint64_t> read_group_places(const CheckedTables<Tables>& in, std::uint64_t index) {
  const RowRange rows = rows_of_step(in, index);
  if (rows.count == 0) return {};
  const std::vector<std::uint64_t> groups = in.read(in.tables().completions.group_id, rows);
  const std::vector<std::uint64_t> admission = in.read(in.tables().completions.admission, rows);
  std::vector<std::uint64_t> places;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == 0 || groups[i] != groups[i - 1]) places.push_back(admission[i] > 0 ? admission[i] : groups[i]);
  }
  return places;
}

/// \throws Error(bad_data) as CheckedTables::fail()
template <class Tables>
RolloutStep read_step(const CheckedTables<Tables>& in, const std::vector<std::string>& reward_term_names,
                      std::uint64_t index) {
  const auto& steps = in.tables().steps;
  RolloutStep step;
  step.batch.step = in.read_one(steps.step, index);
  step.batch.reward_term_names = reward_term_names;
  step.hashes = {in.read_digest(steps.batch_sha256, index),
                 in.read_digest(steps.weights_before_sha256, index),
                 in.read_digest(steps.weights_after_sha256, index)};
  const RowRange rows = rows_of_step(in, index);
  if (rows.count == 0) return step;
  const StepColumns columns = read_columns(in, rows);
  check_same_in_rows(in, columns, step.batch.step, rows.first);
  step.batch.temperature = columns.temperature.front();
  for (std::size_t i = 0; i < rows.count; ++i) {
    auto& groups = step.batch.groups;
    if (groups.empty() || columns.group_id[i] != groups.back().group_id) {
      groups.push_back({.prompt = read_prompt(in, columns.prompt_row[i]),
                        .visit = columns.visit[i],
                        .group_id = columns.group_id[i],
                        .admission = columns.admission[i],
                        .completions = {}});
    }
    groups.back().completions.push_back(make_completion(columns, i, groups.back()));
    groups.back().completions.back().versions = read_versions(in, columns, i);
  }
  return step;
}

}  // namespace reckon
