#include "app/verified_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "app/tiny_run.h"
#include "app/verify/files.h"
#include "reckon/base/error.h"
#include "reckon/record/batch_hash.h"
#include "reckon/record/guarded_log.h"

namespace reckon::testing {
namespace fs = std::filesystem;

Verified verify(const fs::path& run) {
  set_reader_program({reckon_program(), "read-log"});
  ::testing::internal::CaptureStdout();
  VerifyReport report;
  try {
    verify_files(run, report);
  } catch (...) {
    static_cast<void>(::testing::internal::GetCapturedStdout());
    throw;
  }
  const std::string output = ::testing::internal::GetCapturedStdout();
  std::string text;
  std::ranges::unique_copy(output, std::back_inserter(text),
                           [](char a, char b) { return a == ' ' && b == ' '; });
  return {report.failures(), text};
}

std::string recipe_with_file(const fs::path& problems) {
  std::string recipe = tiny_recipe();
  const std::string from = "\nfrom = ";
  for (std::size_t at = recipe.find(from); at != std::string::npos; at = recipe.find(from, at + 40))
    recipe.insert(at, "\ntasks = [\"chains\"]");
  return recipe + "[[task]]\nname = \"seeds\"\nkind = \"jsonl\"\npath = \"" + problems.string() + "\"\n";
}

const fs::path& finished_run() {
  static const TempDir temp;
  static const fs::path run = [] {
    write_text(temp.path() / "seeds.jsonl", R"({"problem": "1+1", "answer": "2"})"
                                            "\n");
    const TrainCommand train{temp.path() / "tiny.toml", temp.path() / "run", 0};
    write_text(train.recipe, recipe_with_file(temp.path() / "seeds.jsonl"));
    const CommandResult result = train.run();
    if (result.exit_code != 0) throw Error(ExitCode::internal, "the run failed: " + result.output);
    return train.out;
  }();
  return run;
}

TamperedRun::TamperedRun() : run_(temp_.path() / "run") {
  fs::copy(finished_run(), run_, fs::copy_options::recursive);
}

void TamperedRun::edit(const std::string& file, const std::string& was, const std::string& now) const {
  std::string text = read_text(run_ / file);
  const std::size_t at = text.find(was);
  ASSERT_NE(at, std::string::npos) << file << " has no " << was;
  write_text(run_ / file, text.replace(at, was.size(), now));
}

void TamperedRun::edit_lines(const std::string& file,
                             const std::function<void(std::vector<std::string>&)>& change) const {
  std::istringstream in(read_text(run_ / file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  change(lines);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  write_text(run_ / file, text);
}

void flip_bit(const fs::path& file, std::uint64_t bit) {
  std::string text = read_text(file);
  char& byte = text.at(bit / 8);
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
  write_text(file, text);
}

void rewrite_log(const fs::path& folder, const std::function<void(Steps&)>& change, bool seal) {
  Steps steps;
  RolloutLogInfo info;
  std::vector<std::string> terms;
  for (const fs::path& file : rollout_segments(folder, 0)) {
    const RolloutLogReader reader(file);
    info = reader.info();
    terms = reader.reward_term_names();
    for (std::uint64_t i = 0; i < reader.num_steps(); ++i) steps.push_back(reader.read(i));
  }
  change(steps);
  fs::remove_all(folder);
  RolloutLogWriter writer(folder, info, terms);
  for (RolloutStep& step : steps) {
    if (seal) step.hashes.batch_sha256 = batch_sha256(step.batch);
    writer.append(step.batch, step.hashes);
  }
  writer.close();
}

std::vector<std::string> files_of(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    if (entry.is_regular_file() && path != "lock") files.push_back(path);
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace reckon::testing
