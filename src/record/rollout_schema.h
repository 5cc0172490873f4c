#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hdf5_file.h"
#include "reckon/base/describe.h"
#include "reckon/record/rollout_log.h"

/// The datasets of reckon.rollouts/1, named once: creating, appending, opening, reading and copying all go
/// through the visit functions below.
namespace reckon {

using hdf5::Column;
using hdf5::HexDigest;

/// Rows of varying length: row i is values[offsets[i] .. offsets[i + 1]). offsets has one entry more than
/// rows.
template <class T, template <class> class Column>
struct RaggedOf {
  Column<T> values;
  Column<std::uint64_t> offsets;
  std::uint64_t end = 0;  ///< of the last row that was pushed

  void push(std::span<const T> row) {
    values.pending.insert(values.pending.end(), row.begin(), row.end());
    end += row.size();
    offsets.pending.push_back(end);
  }
};

/// The tables, of columns of a file, or of memory where what reads them is tested.
template <template <class> class Column>
struct RolloutTablesOf {
  template <class T>
  using Ragged = RaggedOf<T, Column>;

  struct {
    Column<std::uint64_t> id;
    Column<std::int64_t> level;
    Ragged<char> task, source, gold, spec, text;
    Ragged<std::uint32_t> token_ids;
  } prompts;
  struct {
    Column<std::uint32_t> id;
    Column<float> sampler_logprob;
    std::optional<Column<std::uint64_t>> policy_version;  ///< where the log has versions of tokens
  } tokens;
  std::vector<std::pair<std::string, Column<float>>> rewards;
  struct {
    Column<std::uint64_t> step, prompt_row, visit, group_id;
    Column<std::uint32_t> sample_index;
    Column<std::uint64_t> policy_version;
    Column<std::uint8_t> finish_reason, grade, verdict;
    Column<float> reward, advantage, temperature;
    Column<std::uint64_t> admission;
    Ragged<char> text;
    Column<std::uint64_t> token_offset;
    std::uint64_t token_end = 0;
  } completions;
  struct {
    Column<std::uint64_t> step, first_completion, num_completions;
    Column<HexDigest> batch_sha256, weights_before_sha256, weights_after_sha256;
  } steps;
};
using RolloutTables = RolloutTablesOf<Column>;

/// Whether an element of a column is a whole row or one of a row's many values; it decides the size of
/// chunks.
enum class Element { row, value };

// Each calls visit(name, column, Element) for its columns, in the order in which an append writes them.

template <class Ragged, class Visit>
void visit_ragged(const std::string& name, Ragged& ragged, Visit&& visit) {
  visit(name + "/values", ragged.values, Element::value);
  visit(name + "/offsets", ragged.offsets, Element::row);
}

template <class Tables, class Visit>
void visit_prompts(Tables& tables, Visit&& visit) {
  auto& prompts = tables.prompts;
  visit("prompts/id", prompts.id, Element::row);
  visit("prompts/level", prompts.level, Element::row);
  visit_ragged("prompts/task", prompts.task, visit);
  visit_ragged("prompts/source", prompts.source, visit);
  visit_ragged("prompts/gold", prompts.gold, visit);
  visit_ragged("prompts/spec", prompts.spec, visit);
  visit_ragged("prompts/text", prompts.text, visit);
  visit_ragged("prompts/token_ids", prompts.token_ids, visit);
}

template <class Tables, class Visit>
void visit_tokens(Tables& tables, Visit&& visit) {
  visit("tokens/id", tables.tokens.id, Element::value);
  visit("tokens/sampler_logprob", tables.tokens.sampler_logprob, Element::value);
  if (auto& version = tables.tokens.policy_version) visit("tokens/policy_version", *version, Element::value);
}

template <class Tables, class Visit>
void visit_completions(Tables& tables, Visit&& visit) {
  for (auto& [name, column] : tables.rewards) visit("rewards/" + name, column, Element::row);
  auto& completions = tables.completions;
  visit("completions/step", completions.step, Element::row);
  visit("completions/prompt_row", completions.prompt_row, Element::row);
  visit("completions/visit", completions.visit, Element::row);
  visit("completions/group_id", completions.group_id, Element::row);
  visit("completions/sample_index", completions.sample_index, Element::row);
  visit("completions/policy_version", completions.policy_version, Element::row);
  visit("completions/finish_reason", completions.finish_reason, Element::row);
  visit("completions/grade", completions.grade, Element::row);
  visit("completions/verdict", completions.verdict, Element::row);
  visit("completions/reward", completions.reward, Element::row);
  visit("completions/advantage", completions.advantage, Element::row);
  visit("completions/temperature", completions.temperature, Element::row);
  visit("completions/admission", completions.admission, Element::row);
  visit("completions/text/values", completions.text.values, Element::value);
}

/// The commit point of completions: token_offset is the last.
template <class Tables, class Visit>
void visit_offsets(Tables& tables, Visit&& visit) {
  visit("completions/text/offsets", tables.completions.text.offsets, Element::row);
  visit("completions/token_offset", tables.completions.token_offset, Element::row);
}

/// The commit point of steps: steps/step is the last.
template <class Tables, class Visit>
void visit_steps(Tables& tables, Visit&& visit) {
  auto& steps = tables.steps;
  visit("steps/first_completion", steps.first_completion, Element::row);
  visit("steps/num_completions", steps.num_completions, Element::row);
  visit("steps/batch_sha256", steps.batch_sha256, Element::row);
  visit("steps/weights_before_sha256", steps.weights_before_sha256, Element::row);
  visit("steps/weights_after_sha256", steps.weights_after_sha256, Element::row);
  visit("steps/step", steps.step, Element::row);
}

template <class Tables, class Visit>
void visit_all(Tables& tables, Visit&& visit) {
  visit_prompts(tables, visit);
  visit_tokens(tables, visit);
  visit_completions(tables, visit);
  visit_offsets(tables, visit);
  visit_steps(tables, visit);
}

/// A live file is flushed after each step, which packs the last chunk of each column again: its chunks are
/// small. A closed one is read in long runs.
enum class ChunkSize { live, closed };

/// Writes the attributes, the recipe and empty datasets.
void create_rollout_tables(hdf5::File& file, RolloutTables& tables, const RolloutLogInfo& info,
                           std::uint64_t segment, const std::vector<std::string>& reward_term_names,
                           ChunkSize chunk_size);

/// Opens all datasets of a file, for the reward terms that it names. \throws Error where one is not as the
/// schema says.
void open_rollout_tables(const hdf5::File& file, RolloutTables& tables,
                         const std::vector<std::string>& reward_term_names);

/// Whether a file has the version of each token.
[[nodiscard]] bool has_token_versions(const hdf5::File& file);

/// The terms that a file has columns for, in the order of the recipe.
[[nodiscard]] std::vector<std::string> read_reward_term_names(const hdf5::File& file);

}  // namespace reckon
