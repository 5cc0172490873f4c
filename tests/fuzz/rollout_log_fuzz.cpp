// Any columns as a rollout log, above HDF5. An input is text: lines of a column's name and its elements as
// numbers (those of /steps that are hashes as words), for example "completions/token_offset 0 3 5".
#include <bit>
#include <charconv>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "reckon/record/batch_hash.h"
#include "record/read_step.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

template <class T>
struct MemoryColumn {
  std::string dataset;
  std::vector<T> cells;

  [[nodiscard]] const std::string& name() const { return dataset; }
  [[nodiscard]] std::uint64_t size() const { return cells.size(); }
  [[nodiscard]] std::vector<T> read(std::uint64_t first, std::uint64_t count) const {
    require(first <= cells.size() && count <= cells.size() - first, "only rows that are there are read");
    return {cells.begin() + static_cast<std::ptrdiff_t>(first),
            cells.begin() + static_cast<std::ptrdiff_t>(first + count)};
  }
};
using MemoryTables = RolloutTablesOf<MemoryColumn>;

template <class T>
T cell_of(std::string_view word) {
  if constexpr (std::is_same_v<T, HexDigest>) {
    HexDigest digest{};
    std::copy_n(word.begin(), std::min(word.size(), digest.size()), digest.begin());
    return digest;
  } else {
    std::uint64_t number = 0;
    std::from_chars(word.data(), word.data() + word.size(), number);
    if constexpr (std::is_same_v<T, float>)
      return std::bit_cast<float>(static_cast<std::uint32_t>(number));
    else
      return static_cast<T>(number);
  }
}

/// Calls take(word) for each word of a line.
template <class Take>
void for_each_word(std::string_view line, const Take& take) {
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    if (!word.empty()) take(word);
    line.remove_prefix(std::min(word.size() + 1, line.size()));
  }
}

/// The words behind each column's name; of a name that stands twice, the last.
std::map<std::string_view, std::string_view> lines_of(std::string_view text) {
  std::map<std::string_view, std::string_view> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t blank = std::min(line.find(' '), line.size());
    lines[line.substr(0, blank)] = line.substr(blank);
  }
  return lines;
}

MemoryTables tables_of(std::string_view text, const std::vector<std::string>& terms) {
  const auto lines = lines_of(text);
  MemoryTables tables;
  for (const std::string& name : terms) tables.rewards.emplace_back(name, MemoryColumn<float>{});
  if (lines.contains("tokens/policy_version")) tables.tokens.policy_version.emplace();
  visit_all(tables, [&]<class T>(const std::string& name, MemoryColumn<T>& column, Element) {
    column.dataset = name;
    const auto line = lines.find(name);
    if (line == lines.end()) return;
    for_each_word(line->second, [&](std::string_view word) { column.cells.push_back(cell_of<T>(word)); });
  });
  return tables;
}

/// The versions of a completion's tokens are those of its rows, or of the completion.
void check_versions(const MemoryTables& tables, const Completion& completion, std::uint64_t version,
                    std::size_t first) {
  require(completion.policy_version == version, "a completion has the version of its row");
  require(version_runs_problem(completion.versions, completion.token_ids.size()).empty(),
          "versions are of all tokens");
  std::size_t run = 0;
  for (std::size_t t = 0; t < completion.token_ids.size(); ++t) {
    if (run + 1 < completion.versions.size() && completion.versions[run + 1].first_token == t) ++run;
    const auto& of_tokens = tables.tokens.policy_version;
    require(completion.versions[run].version == (of_tokens ? of_tokens->cells[first + t] : version),
            "a token has the version of its row");
  }
}

/// What a step says is what its rows say: put back into columns, it is those rows.
void check_step(const MemoryTables& tables, const RolloutStep& step, std::size_t first_row) {
  const auto& completions = tables.completions;
  std::size_t row = first_row;
  for (const Group& group : step.batch.groups) {
    require(!group.completions.empty(), "a group has completions");
    for (const Completion& completion : group.completions) {
      require(completions.step.cells[row] == step.batch.step, "a row is of its step");
      require(completions.group_id.cells[row] == group.group_id, "a row is of its group");
      require(completions.visit.cells[row] == group.visit, "a row is of its group's visit");
      require(completions.admission.cells[row] == group.admission, "a row is of its group's admission");
      require(tables.prompts.id.cells[completions.prompt_row.cells[row]] == group.prompt.id,
              "a row is of its group's prompt");
      require(completion.prompt_id == group.prompt.id, "a completion knows its prompt");
      require(completion.token_ids.size() == completion.sampler_logprob.size(), "a token has its log-prob");
      const std::size_t first = completions.token_offset.cells[row];
      require(completions.token_offset.cells[row + 1] == first + completion.token_ids.size(),
              "a completion has the tokens of its row");
      const auto tokens = tables.tokens.id.read(first, completion.token_ids.size());
      require(tokens == completion.token_ids, "a completion has the tokens of its row");
      check_versions(tables, completion, completions.policy_version.cells[row], first);
      const auto text =
          completions.text.values.read(completions.text.offsets.cells[row], completion.text.size());
      require(std::string(text.begin(), text.end()) == completion.text,
              "a completion has the text of its row");
      require(completion.reward_terms.size() == tables.rewards.size(), "a completion has all reward terms");
      require(enum_name(completion.grade) != "?" && enum_name(completion.verdict) != "?" &&
                  enum_name(completion.finish_reason) != "?",
              "codes are known ones");
      ++row;
    }
  }
  for (const std::string* hash :
       {&step.hashes.batch_sha256, &step.hashes.weights_before_sha256, &step.hashes.weights_after_sha256}) {
    require(hash->empty() || hash->size() == 64, "a hash is there or not");
  }
}

void check_log(std::string_view text) {
  const std::vector<std::string> terms = {"accuracy", "format"};
  const CheckedTables<MemoryTables> checked("l.h5", tables_of(text, terms));
  const MemoryTables& tables = checked.tables();
  std::size_t first_row = 0;
  bool all_before = true;  // were read: only then do we know where a step must begin
  for (std::uint64_t i = 0; i < tables.steps.step.size(); ++i) {
    const auto read = [&] { return read_step(checked, terms, i); };
    const auto step = accepted(ExitCode::bad_data, "l.h5: ", read);
    all_before = all_before && step.has_value();
    if (!step) continue;
    const std::size_t row = tables.steps.first_completion.cells[i];
    require(!all_before || row == first_row, "a step begins where the one before ends");
    check_step(tables, *step, row);
    first_row = row + tables.steps.num_completions.cells[i];
    const std::vector<std::uint64_t> groups = read_group_places(checked, i);
    require(groups.size() == step->batch.groups.size(), "the groups of a step are told without reading it");
    require(batch_sha256(read().batch) == batch_sha256(step->batch), "a step is read the same twice");
  }
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reckon::fuzz::check_log(reckon::fuzz::text_of(data, size));
  return 0;
}
