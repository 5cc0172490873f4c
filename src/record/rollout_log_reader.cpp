#include <algorithm>
#include <optional>

#include "read_step.h"
#include "reckon/base/sha256.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

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
  info.versions = has_token_versions(file) ? LoggedVersions::token : LoggedVersions::completion;
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
  std::optional<CheckedTables<RolloutTables>> checked;
};

RolloutLogReader::RolloutLogReader(const fs::path& file) {
  const bool live = file.extension() == ".part";
  impl_ = std::make_unique<Impl>(Impl{.file = hdf5::File::open(file, live, ExitCode::bad_data),
                                      .info = {},
                                      .reward_term_names = {},
                                      .checked = {}});
  const std::string schema = impl_->file.read_text_attribute("/", "schema");
  if (schema != kRolloutSchema) {
    throw Error(ExitCode::bad_data, file.string() + ": the schema is " + in_quotes(schema) + " (need " +
                                        in_quotes(kRolloutSchema) + ")");
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
std::vector<std::uint64_t> RolloutLogReader::group_places(std::uint64_t index) const {
  return read_group_places(*impl_->checked, index);
}

RolloutStep RolloutLogReader::read(std::uint64_t index) const {
  return read_step(*impl_->checked, impl_->reward_term_names, index);
}

}  // namespace reckon
