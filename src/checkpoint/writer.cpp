#include "reckon/checkpoint/writer.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <span>

#include "layout.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/log.h"
#include "reckon/base/sha256.h"
#include "reckon/learn/parameter_part.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// What a part's files are called to rank 0, or why there are none.
std::string part_message(const std::vector<ManifestFile>& files) {
  auto list = nlohmann::json::array();
  for (const ManifestFile& file : files) list.push_back({file.path, file.bytes, file.sha256});
  return list.dump();
}

void add_files(const std::string& message, std::vector<ManifestFile>& files) {
  for (const auto& file : nlohmann::json::parse(message)) files.push_back({file[0], file[1], file[2]});
}

/// A list as a tensor.
template <class T>
TensorView list_of(const char* name, TensorDtype dtype, const std::vector<T>& values) {
  return {.name = name,
          .dtype = dtype,
          .shape = {static_cast<std::int64_t>(values.size())},
          .data = std::as_bytes(std::span(values))};
}

/// The thread gives way to those that train.
void lower_priority() {
  constexpr int kNice = 10;
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice));
}

std::uint64_t free_bytes(const fs::path& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0)
    throw system_error(ExitCode::io, folder.string() + ": cannot be asked for its free space", errno);
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

std::vector<std::int64_t> steps_to_remove(const std::vector<std::int64_t>& steps,
                                          const RetentionConfig& retention) {
  std::vector<std::int64_t> removed;
  const auto keep = static_cast<std::size_t>(std::max<std::int64_t>(1, retention.keep_last));
  const auto due = std::find_if(steps.rbegin(), steps.rend(), [&](std::int64_t step) {
    return retention.schedule > 0 && step % retention.schedule == 0;
  });
  for (std::size_t i = 0; i + keep < steps.size(); ++i) {
    if (retention.keep_every > 0 && steps[i] % retention.keep_every == 0) continue;
    if (std::ranges::count(retention.keep, steps[i]) > 0) continue;
    if (due != steps.rend() && steps[i] == *due) continue;
    removed.push_back(steps[i]);
  }
  return removed;
}

CheckpointWriter::CheckpointWriter(fs::path folder, Communicator& world, RetentionConfig retention)
    : folder_(std::move(folder)), world_(world), retention_(retention) {}

CheckpointWriter::~CheckpointWriter() {
  if (work_.valid()) work_.wait();
}

fs::path CheckpointWriter::place() const {
  return folder_ / last_->text();
}

fs::path CheckpointWriter::temporary() const {
  return place().string() + kUnfinished;
}

bool CheckpointWriter::is_busy() const {
  return work_.valid() && work_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void CheckpointWriter::begin(const CheckpointContent& content) {
  finish();
  std::string failure;
  last_ = CheckpointName{content.state.stage, content.state.step};
  try {
    if (world_.rank() == 0) {
      make_folders(place().parent_path());
      check_space(content);
      std::error_code ignored;
      fs::remove_all(temporary(), ignored);
      make_folders(temporary() / "reckon");
    }
  } catch (const Error& error) {
    failure = error.what();
  }
  fail_together(failure);
  copy(content);
  phase_ = Phase::parts;
  start([this] { write_part(); });
}

/// Twice the size is not asked for: a checkpoint that does not fit fails before it is begun.
void CheckpointWriter::check_space(const CheckpointContent& content) {
  constexpr std::uint64_t kMargin = std::uint64_t{1} << 20;
  std::uint64_t need = kMargin + content.state.cursor.visits.size() * 16;
  for (const auto& [name, text] : content.files) need += text.size();
  if (content.decoder != nullptr) {
    const std::uint64_t parameters = content.decoder->parameters().size();
    need += parameters * dtype_size(content.dtype);
    if (content.dtype != TensorDtype::f32) need += parameters * sizeof(float);
    if (content.learner != nullptr) need += parameters * 2 * sizeof(float);
    need += content.past.size() * parameters * sizeof(float);
  }
  const std::uint64_t free = free_bytes(place().parent_path());
  if (free >= need) return;
  throw Error(ExitCode::io, place().string() + ": the file system has " + std::to_string(free >> 20) +
                                " MiB left (need " + std::to_string((need >> 20) + 1) +
                                " for the checkpoint). The checkpoints before it are whole");
}

void CheckpointWriter::copy(const CheckpointContent& content) {
  Copies& to = copies_;
  to.state = content.state;
  to.state.world_size = world_.size();
  to.files = content.files;
  to.dtype = content.dtype;
  to.texts = content.texts;
  to.sync_first = content.sync_first;
  to.has_weights = content.decoder != nullptr;
  to.has_moments = to.has_weights && content.learner != nullptr;
  if (!to.has_weights) return;
  const std::span<const float> parameters = content.decoder->parameters();
  to.range = parameter_part(static_cast<std::int64_t>(parameters.size()), world_.rank(), world_.size());
  const auto size = static_cast<std::size_t>(to.range.size());
  if (to.has_moments) {
    to.first.resize(size);
    to.second.resize(size);
    content.learner->copy_moments(to.range, to.first, to.second);
  }
  if (to.dtype != TensorDtype::f32) {
    const auto mine = parameters.subspan(static_cast<std::size_t>(to.range.begin), size);
    to.share.assign(mine.begin(), mine.end());
  }
  if (world_.rank() != 0) return;
  if (to.weights.size() != parameters.size()) to.weights.resize(parameters.size());
  std::ranges::copy(parameters, to.weights.span().begin());
  to.past.resize(content.past.size());
  for (std::size_t i = 0; i < to.past.size(); ++i)
    to.past[i].assign(content.past[i].begin(), content.past[i].end());
  to.tensors = content.decoder->tensors();
  to.config = content.decoder->config();
}

void CheckpointWriter::start(std::function<void()> work) {
  work_ = std::async(std::launch::async, [work = std::move(work)] {
    lower_priority();
    work();
  });
}

void CheckpointWriter::write_shares(std::vector<std::string>& written) {
  const Copies& from = copies_;
  failpoint("checkpoint.moments");
  if (from.has_moments) {
    written.push_back(share_file(kMomentsKind, world_.rank(), world_.size()));
    write_safetensors(temporary() / written.back(),
                      std::vector{list_of("first_moment", TensorDtype::f32, from.first),
                                  list_of("second_moment", TensorDtype::f32, from.second)});
  }
  if (from.has_weights && from.dtype != TensorDtype::f32) {
    written.push_back(share_file(kWeightsKind, world_.rank(), world_.size()));
    write_safetensors(temporary() / written.back(),
                      std::vector{list_of("weights", TensorDtype::f32, from.share)});
  }
}

/// In the background: this rank's files, durable, with their hashes.
void CheckpointWriter::write_part() {
  const Copies& from = copies_;
  part_.clear();
  std::vector<std::string> written;
  for (const fs::path& file : from.sync_first) fsync_path(file);
  write_shares(written);
  if (world_.rank() == 0) {
    failpoint("checkpoint.model");
    if (from.has_weights) {
      write_model_files(temporary(), {from.config, from.tensors, from.weights.span()}, from.files,
                        {.dtype = from.dtype});
    }
    for (std::size_t i = 0; i < from.past.size(); ++i) {
      written.push_back(past_weights_file(from.state.past[i].step));
      write_safetensors(temporary() / written.back(),
                        std::vector{list_of("weights", TensorDtype::f32, from.past[i])});
    }
    failpoint("checkpoint.state");
    std::vector<std::uint64_t> ids, times;
    for (const auto& [id, count] : from.state.cursor.visits) {
      ids.push_back(id);
      times.push_back(count);
    }
    write_safetensors(temporary() / kVisitsFile,
                      std::vector{list_of("problem_id", TensorDtype::u64, ids),
                                  list_of("times_drawn", TensorDtype::u64, times)});
    write_file_atomic(temporary() / kStateFile, train_state_json(from.state));
    written.insert(written.end(), {kVisitsFile, kStateFile});
    for (const auto& [path, text] : from.texts) write_file_atomic(temporary() / path, text);
    for (const auto& entry : fs::directory_iterator(temporary())) {
      if (entry.is_regular_file()) written.push_back(entry.path().filename().string());
    }
  }
  for (const std::string& path : written) part_.push_back(manifest_file(temporary(), path));
}

/// In the background of rank 0: makes a checkpoint of what the ranks have written.
void CheckpointWriter::commit(const std::vector<std::string>& parts) {
  Manifest manifest{.schema = std::string(kCheckpointSchema), .facts = {}, .files = {}};
  for (const std::string& part : parts) add_files(part, manifest.files);
  std::ranges::sort(manifest.files, {}, &ManifestFile::path);
  const TrainState& state = copies_.state;
  manifest.facts = {{"stage", state.stage},
                    {"step", std::to_string(state.step)},
                    {"stage_done", state.stage_done ? "true" : "false"},
                    {"weights_sha256", state.weights_sha256}};
  failpoint("checkpoint.manifest");
  write_file_atomic(temporary() / kCheckpointManifest, manifest_json(manifest));
  fsync_path(temporary());
  failpoint("checkpoint.rename");
  std::error_code error;
  if (fs::exists(place())) {
    // One that is broken, or that a resumed run has come to again.
    fs::rename(place(), place().string() + kRemoved, error);
  }
  if (!error) fs::rename(temporary(), place(), error);
  if (error) throw Error(ExitCode::io, place().string() + ": cannot be put in place: " + error.message());
  fsync_path(place().parent_path());
  failpoint("checkpoint.latest");
  write_file_atomic(folder_ / "latest", last_->text() + "\n");
  failpoint("checkpoint.prune");
  prune();
}

void CheckpointWriter::prune() {
  std::vector<std::int64_t> steps;
  for (const CheckpointName& name : list_checkpoints(folder_)) {
    if (name.stage == last_->stage && name.step <= last_->step) steps.push_back(name.step);
  }
  std::vector<fs::path> removed = {place().string() + kRemoved};
  std::error_code error;
  RetentionConfig retention = retention_;
  for (const CheckpointName& name : kept_) {
    if (name.stage == last_->stage) retention.keep.push_back(name.step);
  }
  for (const std::int64_t step : steps_to_remove(steps, retention)) {
    const fs::path folder = folder_ / last_->stage / step_folder(step);
    removed.push_back(folder.string() + kRemoved);
    fs::rename(folder, removed.back(), error);  // first, so that half of one is never taken for whole
    if (error) log_warning(folder.string() + ": cannot be removed: " + error.message());
  }
  for (const fs::path& folder : removed) {
    fs::remove_all(folder, error);
    if (error) log_warning(folder.string() + ": cannot be removed: " + error.message());
  }
}

/// The work of this rank is done, or has thrown.
void CheckpointWriter::collect() {
  if (work_.valid()) work_.get();
}

/// Throws on every rank where it failed on any, on the one that failed with its text.
void CheckpointWriter::fail_together(const std::string& failure) {
  const std::vector<std::string> failures = world_.all_gather(failure);
  const auto failed = std::ranges::find_if(failures, [](const std::string& text) { return !text.empty(); });
  if (failed == failures.end()) return;
  phase_ = Phase::idle;
  if (world_.rank() == 0) {
    std::error_code ignored;
    fs::remove_all(temporary(), ignored);
  }
  throw AgreedError(ExitCode::io, failed - failures.begin() == world_.rank() ? *failed : "");
}

void CheckpointWriter::advance() {
  if (phase_ == Phase::idle) return;
  std::string failure;
  try {
    collect();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  fail_together(failure);
  if (phase_ == Phase::commit) {
    phase_ = Phase::idle;
    return;
  }
  const std::vector<std::string> parts = world_.gather(part_message(part_), 0);
  phase_ = Phase::commit;
  if (world_.rank() == 0) start([this, parts] { commit(parts); });
}

void CheckpointWriter::finish() {
  while (in_flight()) advance();
}

}  // namespace reckon
