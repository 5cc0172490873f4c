#include <algorithm>
#include <bit>
#include <optional>

#include "reckon/base/sha256.h"
#include "rollout_schema.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Elements of one column that a step may have; a longer one is damage, not data.
constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 31;

struct Range {
  std::uint64_t first = 0, count = 0;
};

class CheckedTables {
 public:
  CheckedTables(std::string path, RolloutTables tables)
      : path_(std::move(path)), tables_(std::move(tables)) {}

  [[noreturn]] void fail(const std::string& dataset, const std::string& what) const {
    throw Error(ExitCode::bad_data, path_ + ": " + dataset + ": " + what + ". Is the file damaged?");
  }

  template <class T>
  [[nodiscard]] std::vector<T> read(const Column<T>& column, Range range) const {
    if (range.first > column.size() || range.count > column.size() - range.first ||
        range.count > kMaxElements) {
      fail(column.dataset.name(), std::to_string(column.size()) + " rows (need rows " +
                                      std::to_string(range.first) + " to " + std::to_string(range.first) +
                                      " + " + std::to_string(range.count) + ")");
    }
    return column.read(range.first, range.count);
  }
  template <class T>
  [[nodiscard]] T read_one(const Column<T>& column, std::uint64_t row) const {
    return read(column, {row, 1}).front();
  }

  /// The offsets of some rows, one more than rows: ascending, and none past the values.
  [[nodiscard]] std::vector<std::uint64_t> read_offsets(const Column<std::uint64_t>& column, Range rows,
                                                        std::uint64_t num_values) const {
    const std::vector<std::uint64_t> offsets = read(column, {rows.first, rows.count + 1});
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const std::uint64_t low = i == 0 ? 0 : offsets[i - 1];
      if (offsets[i] < low || offsets[i] > num_values) {
        fail(column.dataset.name(), "entry " + std::to_string(rows.first + i) + " is " +
                                        std::to_string(offsets[i]) + " (need at least " +
                                        std::to_string(low) + " and at most " + std::to_string(num_values) +
                                        ")");
      }
    }
    return offsets;
  }

  template <class T>
  [[nodiscard]] std::vector<T> read_row(const Ragged<T>& ragged, std::uint64_t row) const {
    const auto ends = read_offsets(ragged.offsets, {row, 1}, ragged.values.size());
    return read(ragged.values, {ends[0], ends[1] - ends[0]});
  }
  [[nodiscard]] std::string read_text(const Ragged<char>& ragged, std::uint64_t row) const {
    const std::vector<char> bytes = read_row(ragged, row);
    return {bytes.begin(), bytes.end()};
  }

  template <class Enum>
  [[nodiscard]] std::vector<Enum> read_codes(const Column<std::uint8_t>& column, Range range) const {
    std::vector<Enum> values;
    for (const std::uint8_t code : read(column, range)) {
      values.push_back(static_cast<Enum>(code));
      if (enum_name(values.back()) == "?") {
        fail(column.dataset.name(),
             "unknown code " + std::to_string(code) + " (need one of the column's attributes)");
      }
    }
    return values;
  }

  [[nodiscard]] std::string read_digest(const Column<HexDigest>& column, std::uint64_t row) const {
    const HexDigest cell = read_one(column, row);
    return cell[0] == '\0' ? "" : std::string(cell.begin(), cell.end());
  }

  [[nodiscard]] const RolloutTables& tables() const { return tables_; }

 private:
  std::string path_;
  RolloutTables tables_;
};

/// The columns of one step's completions.
struct StepColumns {
  std::vector<std::uint64_t> step, prompt_row, visit, group_id, policy_version, admission, text_offsets,
      token_offsets;
  std::vector<std::uint32_t> sample_index, token_id;
  std::vector<FinishReason> finish_reason;
  std::vector<Grade> grade;
  std::vector<Verdict> verdict;
  std::vector<float> reward, advantage, temperature, sampler_logprob;
  std::vector<std::vector<float>> reward_terms;
  std::vector<char> text;
};

StepColumns read_columns(const CheckedTables& in, Range rows) {
  const auto& completions = in.tables().completions;
  const auto& tokens = in.tables().tokens;
  StepColumns out;
  out.step = in.read(completions.step, rows);
  out.prompt_row = in.read(completions.prompt_row, rows);
  out.visit = in.read(completions.visit, rows);
  out.group_id = in.read(completions.group_id, rows);
  out.sample_index = in.read(completions.sample_index, rows);
  out.policy_version = in.read(completions.policy_version, rows);
  out.finish_reason = in.read_codes<FinishReason>(completions.finish_reason, rows);
  out.grade = in.read_codes<Grade>(completions.grade, rows);
  out.verdict = in.read_codes<Verdict>(completions.verdict, rows);
  out.reward = in.read(completions.reward, rows);
  out.advantage = in.read(completions.advantage, rows);
  out.temperature = in.read(completions.temperature, rows);
  out.admission = in.read(completions.admission, rows);
  out.text_offsets = in.read_offsets(completions.text.offsets, rows, completions.text.values.size());
  out.token_offsets = in.read_offsets(completions.token_offset, rows, tokens.id.size());
  for (const auto& [name, column] : in.tables().rewards) out.reward_terms.push_back(in.read(column, rows));
  const Range text{out.text_offsets.front(), out.text_offsets.back() - out.text_offsets.front()};
  const Range token{out.token_offsets.front(), out.token_offsets.back() - out.token_offsets.front()};
  out.text = in.read(completions.text.values, text);
  out.token_id = in.read(tokens.id, token);
  out.sampler_logprob = in.read(tokens.sampler_logprob, token);
  return out;
}

Prompt read_prompt(const CheckedTables& in, std::uint64_t row) {
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

Completion make_completion(const StepColumns& columns, std::size_t i, const Group& group) {
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

/// The rows of a step's completions.
Range rows_of_step(const CheckedTables& in, std::uint64_t index) {
  const auto& steps = in.tables().steps;
  const Range rows{in.read_one(steps.first_completion, index), in.read_one(steps.num_completions, index)};
  const std::uint64_t expected = index == 0 ? 0
                                            : in.read_one(steps.first_completion, index - 1) +
                                                  in.read_one(steps.num_completions, index - 1);
  if (rows.first != expected) {
    in.fail("steps/first_completion", "row " + std::to_string(index) + " is " + std::to_string(rows.first) +
                                          " (need " + std::to_string(expected) +
                                          ", the end of the step before)");
  }
  return rows;
}

/// What is stored with each completion of a step must be the step's. \param first  row of the first of them
void check_step_row(const CheckedTables& in, const StepColumns& columns, std::size_t i, std::uint64_t first,
                    std::uint64_t step) {
  const std::string row = "row " + std::to_string(first + i);
  if (columns.step[i] != step) {
    in.fail("completions/step", row + " is of step " + std::to_string(columns.step[i]) + " (need " +
                                    std::to_string(step) + ", as /steps says)");
  }
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  if (bits(columns.temperature[i]) != bits(columns.temperature[0])) {
    in.fail("completions/temperature", row + " is " + std::to_string(columns.temperature[i]) + " (need " +
                                           std::to_string(columns.temperature[0]) +
                                           ", as the step's other rows)");
  }
}

/// What is stored with each completion of a group must be the group's: a reader takes it from the first.
void check_group_row(const CheckedTables& in, const StepColumns& columns, std::size_t i,
                     std::uint64_t first) {
  const auto check = [&](const char* dataset, const std::vector<std::uint64_t>& column) {
    if (column[i] == column[i - 1]) return;
    in.fail(dataset, "row " + std::to_string(first + i) + " is " + std::to_string(column[i]) + " (need " +
                         std::to_string(column[i - 1]) + ", as the rest of group " +
                         std::to_string(columns.group_id[i]) + ")");
  };
  check("completions/prompt_row", columns.prompt_row);
  check("completions/visit", columns.visit);
  check("completions/admission", columns.admission);
}

RolloutLogInfo read_info(const hdf5::File& file) {
  RolloutLogInfo info;
  info.run_id = file.read_text_attribute("/", "run_id");
  info.stage = file.read_text_attribute("/", "stage");
  info.rank = file.read_number_attribute("/", "rank");
  info.world_size = file.read_number_attribute("/", "world_size");
  info.recipe_text = file.read_text("recipe");
  info.tokenizer_sha256 = file.read_text_attribute("/", "tokenizer_sha256");
  info.grader_version = file.read_text_attribute("/", "grader_version");
  info.fingerprint = file.read_text_attribute("/", "fingerprint");
  info.created = file.read_text_attribute("/", "created");
  if (file.read_text_attribute("/", "recipe_sha256") != sha256_hex(info.recipe_text)) {
    throw Error(
        ExitCode::bad_data,
        file.context().path + ": recipe: its hash is not the attribute recipe_sha256. Is the file damaged?");
  }
  return info;
}

}  // namespace

struct RolloutLogReader::Impl {
  hdf5::File file;
  RolloutLogInfo info;
  std::uint64_t segment = 0;
  std::vector<std::string> reward_term_names;
  std::uint64_t num_steps = 0;
  std::optional<CheckedTables> checked;
};

RolloutLogReader::RolloutLogReader(const fs::path& file) {
  const bool live = file.extension() == ".part";
  impl_ = std::make_unique<Impl>(Impl{.file = hdf5::File::open(file, live, ExitCode::bad_data),
                                      .info = {},
                                      .reward_term_names = {},
                                      .checked = {}});
  const std::string schema = impl_->file.read_text_attribute("/", "schema");
  if (schema != kRolloutSchema) {
    throw Error(ExitCode::bad_data, file.string() + ": the schema is \"" + schema + "\" (need \"" +
                                        std::string(kRolloutSchema) + "\")");
  }
  impl_->info = read_info(impl_->file);
  impl_->segment = impl_->file.read_number_attribute("/", "segment");
  impl_->reward_term_names = read_reward_term_names(impl_->file);
  // First the column that is written last: whatever it counts is then in the others, even while a writer goes
  // on.
  impl_->num_steps = impl_->file.open_dataset("steps/step", hdf5::type_of<std::uint64_t>()).size();
  RolloutTables tables;
  open_rollout_tables(impl_->file, tables, impl_->reward_term_names);
  impl_->checked.emplace(file.string(), std::move(tables));
}

RolloutLogReader::~RolloutLogReader() = default;
RolloutLogReader::RolloutLogReader(RolloutLogReader&&) noexcept = default;
RolloutLogReader& RolloutLogReader::operator=(RolloutLogReader&&) noexcept = default;

const RolloutLogInfo& RolloutLogReader::info() const {
  return impl_->info;
}
std::uint64_t RolloutLogReader::segment() const {
  return impl_->segment;
}
const std::vector<std::string>& RolloutLogReader::reward_term_names() const {
  return impl_->reward_term_names;
}
std::uint64_t RolloutLogReader::num_steps() const {
  return impl_->num_steps;
}
std::vector<std::uint64_t> RolloutLogReader::step_numbers() const {
  return impl_->checked->read(impl_->checked->tables().steps.step, {0, impl_->num_steps});
}

std::vector<std::uint64_t> RolloutLogReader::group_ids(std::uint64_t index) const {
  const CheckedTables& in = *impl_->checked;
  std::vector<std::uint64_t> groups = in.read(in.tables().completions.group_id, rows_of_step(in, index));
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

RolloutStep RolloutLogReader::read(std::uint64_t index) const {
  const CheckedTables& in = *impl_->checked;
  const auto& steps = in.tables().steps;
  RolloutStep step;
  step.batch.step = in.read_one(steps.step, index);
  step.batch.reward_term_names = impl_->reward_term_names;
  step.hashes = {in.read_digest(steps.batch_sha256, index),
                 in.read_digest(steps.weights_before_sha256, index),
                 in.read_digest(steps.weights_after_sha256, index)};
  const Range rows = rows_of_step(in, index);
  if (rows.count == 0) return step;
  const StepColumns columns = read_columns(in, rows);
  step.batch.temperature = columns.temperature.front();
  for (std::size_t i = 0; i < rows.count; ++i) {
    check_step_row(in, columns, i, rows.first, step.batch.step);
    auto& groups = step.batch.groups;
    if (groups.empty() || columns.group_id[i] != groups.back().group_id) {
      groups.push_back({.prompt = read_prompt(in, columns.prompt_row[i]),
                        .visit = columns.visit[i],
                        .group_id = columns.group_id[i],
                        .admission = columns.admission[i],
                        .completions = {}});
    } else {
      check_group_row(in, columns, i, rows.first);
    }
    groups.back().completions.push_back(make_completion(columns, i, groups.back()));
  }
  return step;
}

}  // namespace reckon
