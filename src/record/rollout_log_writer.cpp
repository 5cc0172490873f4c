#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "log_folder.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/sha256.h"
#include "rollout_schema.h"
#include "segment_copy.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void reject(const std::string& what) {
  throw Error(ExitCode::internal, "rollout log: " + what);
}

/// What the file cannot say is refused: it would come back as something else.
void check_versions(const Completion& completion, LoggedVersions logged, const std::string& where) {
  const std::vector<VersionRun> runs = version_runs(completion);
  const std::string problem = version_runs_problem(runs, completion.token_ids.size());
  if (!problem.empty()) reject(where + problem);
  if (runs.empty()) return;
  if (runs.front().version != completion.policy_version) {
    reject(where + "a first token of version " + std::to_string(runs.front().version) + " (need " +
           std::to_string(completion.policy_version) + ", the policy_version)");
  }
  if (runs.size() > 1 && logged == LoggedVersions::completion)
    reject(where + "tokens of " + std::to_string(runs.size()) + " versions (need one: the log has no more)");
}

void check_group(const Group& group, std::size_t num_terms, LoggedVersions versions) {
  const std::string where = "group " + std::to_string(group.group_id) + ": ";
  if (group.completions.empty()) reject(where + "has no completions (need at least 1)");
  for (const Completion& completion : group.completions) {
    if (completion.prompt_id != group.prompt.id || completion.group_id != group.group_id) {
      reject(where + "holds a completion of prompt " + std::to_string(completion.prompt_id) + ", group " +
             std::to_string(completion.group_id) + " (need prompt " + std::to_string(group.prompt.id) + ")");
    }
    if (completion.sampler_logprob.size() != completion.token_ids.size()) {
      reject(where + std::to_string(completion.sampler_logprob.size()) + " log-probs for " +
             std::to_string(completion.token_ids.size()) + " tokens (need one each)");
    }
    if (completion.reward_terms.size() != num_terms) {
      reject(where + std::to_string(completion.reward_terms.size()) + " reward terms (need " +
             std::to_string(num_terms) + ")");
    }
    check_versions(completion, versions, where);
  }
}

void check_batch(const RolloutBatch& batch, const std::vector<std::string>& reward_term_names,
                 LoggedVersions versions) {
  if (batch.reward_term_names != reward_term_names) {
    reject("step " + std::to_string(batch.step) + ": the batch has other reward terms than the log");
  }
  for (std::size_t i = 0; i < batch.groups.size(); ++i) {
    check_group(batch.groups[i], reward_term_names.size(), versions);
    if (i > 0 && batch.groups[i].group_id == batch.groups[i - 1].group_id) {
      reject("step " + std::to_string(batch.step) + ": two groups with the number " +
             std::to_string(batch.groups[i].group_id));
    }
  }
}

HexDigest digest_cell(const std::string& digest) {
  HexDigest cell{};
  if (!digest.empty() && digest.size() != cell.size()) {
    reject("a SHA-256 of " + std::to_string(digest.size()) +
           " characters (need 64 hexadecimal digits, or none)");
  }
  std::memcpy(cell.data(), digest.data(), digest.size());
  return cell;
}

/// Two prompts are one row only where all of them is equal: the same problem can be put in two ways.
std::string prompt_key(const Prompt& prompt) {
  Sha256 hash;
  const auto add = [&](const auto& list) {
    const std::uint64_t size = list.size();
    hash.update_values(std::span(&size, 1));
    hash.update(std::as_bytes(std::span(list)));
  };
  hash.update_values(std::span(&prompt.id, 1));
  hash.update_values(std::span(&prompt.level, 1));
  add(prompt.task);
  add(prompt.text);
  add(prompt.token_ids);
  add(prompt.gold);
  add(prompt.spec);
  add(prompt.source);
  return hash.hex_digest();
}

/// One more than the highest segment number that the folder holds of this rank, closed or not.
std::uint64_t first_free_segment(const fs::path& folder, std::uint64_t rank) {
  const auto ranks = list_log_folder(folder);
  const auto files = ranks.find(rank);
  if (files == ranks.end() || files->second.segments.empty()) return 0;
  return files->second.segments.rbegin()->first + 1;
}

}  // namespace

struct RolloutLogWriter::Segment {
  std::uint64_t number = 0;
  fs::path final_path;
  hdf5::File file;
  RolloutTables tables;
  std::unordered_map<std::string, std::uint64_t> prompt_rows;  ///< by prompt_key()
  std::uint64_t num_completions = 0;
  std::uint64_t num_steps = 0;
  std::uint64_t num_bytes = 0;

  std::uint64_t prompt_row(const Prompt& prompt);
  void stage_completion(const Completion& completion, const RolloutBatch& batch, const Group& group,
                        std::uint64_t row);
  void stage(const RolloutBatch& batch, const StepHashes& hashes);
  void commit();
};

std::uint64_t RolloutLogWriter::Segment::prompt_row(const Prompt& prompt) {
  const auto [place, added] = prompt_rows.try_emplace(prompt_key(prompt), prompt_rows.size());
  if (!added) return place->second;
  auto& prompts = tables.prompts;
  prompts.id.pending.push_back(prompt.id);
  prompts.level.pending.push_back(prompt.level);
  prompts.task.push(prompt.task);
  prompts.source.push(prompt.source);
  prompts.gold.push(prompt.gold);
  prompts.spec.push(prompt.spec);
  prompts.text.push(prompt.text);
  prompts.token_ids.push(prompt.token_ids);
  return place->second;
}

void RolloutLogWriter::Segment::stage_completion(const Completion& completion, const RolloutBatch& batch,
                                                 const Group& group, std::uint64_t row) {
  auto& tokens = tables.tokens;
  const std::size_t first_token = tokens.id.pending.size();
  tokens.id.pending.insert(tokens.id.pending.end(), completion.token_ids.begin(), completion.token_ids.end());
  tokens.sampler_logprob.pending.insert(tokens.sampler_logprob.pending.end(),
                                        completion.sampler_logprob.begin(), completion.sampler_logprob.end());
  if (tokens.policy_version) {
    for (const VersionRun& run : version_runs(completion)) {
      auto& versions = tokens.policy_version->pending;
      versions.resize(first_token + run.first_token);  // the run before ends here
      versions.resize(first_token + completion.token_ids.size(), run.version);
    }
  }
  for (std::size_t i = 0; i < completion.reward_terms.size(); ++i) {
    tables.rewards[i].second.pending.push_back(completion.reward_terms[i]);
  }
  auto& completions = tables.completions;
  completions.step.pending.push_back(batch.step);
  completions.prompt_row.pending.push_back(row);
  completions.visit.pending.push_back(group.visit);
  completions.group_id.pending.push_back(group.group_id);
  completions.sample_index.pending.push_back(completion.sample_index);
  completions.policy_version.pending.push_back(completion.policy_version);
  completions.finish_reason.pending.push_back(static_cast<std::uint8_t>(completion.finish_reason));
  completions.grade.pending.push_back(static_cast<std::uint8_t>(completion.grade));
  completions.verdict.pending.push_back(static_cast<std::uint8_t>(completion.verdict));
  completions.reward.pending.push_back(completion.reward);
  completions.advantage.pending.push_back(completion.advantage);
  completions.temperature.pending.push_back(batch.temperature);
  completions.admission.pending.push_back(group.admission);
  completions.text.push(completion.text);
  completions.token_end += completion.token_ids.size();
  completions.token_offset.pending.push_back(completions.token_end);
}

void RolloutLogWriter::Segment::stage(const RolloutBatch& batch, const StepHashes& hashes) {
  const std::uint64_t first = num_completions;
  for (const Group& group : batch.groups) {
    const std::uint64_t row = prompt_row(group.prompt);
    for (const Completion& completion : group.completions) stage_completion(completion, batch, group, row);
    num_completions += group.completions.size();
  }
  auto& steps = tables.steps;
  steps.first_completion.pending.push_back(first);
  steps.num_completions.pending.push_back(num_completions - first);
  steps.batch_sha256.pending.push_back(digest_cell(hashes.batch_sha256));
  steps.weights_before_sha256.pending.push_back(digest_cell(hashes.weights_before_sha256));
  steps.weights_after_sha256.pending.push_back(digest_cell(hashes.weights_after_sha256));
  steps.step.pending.push_back(batch.step);
  ++num_steps;
}

void RolloutLogWriter::Segment::commit() {
  const auto write = [&]<class T>(const std::string&, Column<T>& column, Element) {
    num_bytes += column.pending.size() * sizeof(T);
    column.commit();
  };
  visit_prompts(tables, write);
  visit_tokens(tables, write);
  failpoint("rollout_log.tokens");
  visit_completions(tables, write);
  failpoint("rollout_log.offsets");
  visit_offsets(tables, write);
  failpoint("rollout_log.steps");
  visit_steps(tables, write);
}

RolloutLogWriter::RolloutLogWriter(fs::path folder, RolloutLogInfo info,
                                   std::vector<std::string> reward_term_names, RolloutLogLimits limits)
    : folder_(std::move(folder)),
      info_(std::move(info)),
      reward_term_names_(std::move(reward_term_names)),
      limits_(limits) {
  for (const std::string& name : reward_term_names_) {
    if (name.empty() || name.find_first_of("/,.") != std::string::npos) {
      reject("reward term \"" + name + "\" cannot name a column (need a name without '/', ',' and '.')");
    }
  }
  make_folders(folder_);
  next_segment_ = first_free_segment(folder_, info_.rank);
  open_segment();
}

RolloutLogWriter::~RolloutLogWriter() = default;

void RolloutLogWriter::open_segment() {
  const fs::path final_path = folder_ / segment_file_name(info_.rank, next_segment_);
  const fs::path part = final_path.string() + ".part";
  // Under another name until all is there that SWMR readers need: a .part can be read whenever we die.
  const fs::path temporary = final_path.string() + ".tmp";
  hdf5::File file = hdf5::File::create_live(temporary, part);
  auto segment = std::make_unique<Segment>(Segment{.number = next_segment_,
                                                   .final_path = final_path,
                                                   .file = std::move(file),
                                                   .tables = {},
                                                   .prompt_rows = {}});
  create_rollout_tables(segment->file, segment->tables, info_, segment->number, reward_term_names_,
                        ChunkSize::live);
  visit_all(segment->tables, [](const std::string& name, auto& column, Element) {
    if (name.ends_with("/offsets") || name.ends_with("/token_offset")) {
      column.pending.push_back({});
      column.commit();
    }
  });
  segment->file.start_swmr_write();
  failpoint("rollout_log.open");
  rename_file(temporary, part);
  segment_ = std::move(segment);
  ++next_segment_;
}

void RolloutLogWriter::append(const RolloutBatch& batch, const StepHashes& hashes) {
  if (failed_) {
    throw Error(ExitCode::io,
                folder_.string() + ": the rollout log takes no more steps after a failed append");
  }
  check_batch(batch, reward_term_names_, info_.versions);
  for (const std::string* digest :
       {&hashes.batch_sha256, &hashes.weights_before_sha256, &hashes.weights_after_sha256}) {
    static_cast<void>(digest_cell(*digest));
  }
  failed_ = true;  // until all of it is in the file
  if (segment_ == nullptr) open_segment();
  segment_->stage(batch, hashes);
  segment_->commit();
  failed_ = false;
  if (segment_->num_bytes >= limits_.segment_bytes || segment_->num_steps >= limits_.segment_steps)
    close_segment();
}

void RolloutLogWriter::close_segment() {
  const std::unique_ptr<Segment> segment = std::move(segment_);
  const fs::path final_path = segment->final_path;
  const std::uint64_t number = segment->number;
  segment->tables = {};
  segment->file.close();
  rewrite_segment(final_path, info_.rank, number);
}

void RolloutLogWriter::close() {
  if (segment_ == nullptr) return;
  if (failed_) {
    segment_.reset();
    return;
  }
  close_segment();
}

fs::path RolloutLogWriter::live_path() const {
  return segment_ == nullptr ? fs::path() : fs::path(segment_->final_path.string() + ".part");
}

std::vector<fs::path> rollout_segments(const fs::path& folder, std::uint64_t rank) {
  std::vector<fs::path> segments;
  const RankFiles files = list_log_folder(folder)[rank];
  for (const auto& [number, there] : files.segments) {
    const fs::path closed = folder / segment_file_name(rank, number);
    if (there.closed) {
      segments.push_back(closed);
    } else if (there.part) {
      segments.push_back(closed.string() + ".part");
    }
  }
  return segments;
}

}  // namespace reckon
