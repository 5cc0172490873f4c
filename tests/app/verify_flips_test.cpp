// One bit of a run's folder, wherever it is, is another: the report names the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/verified_run.h"
#include "reckon/base/philox.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TamperedRun;
using testing::Verified;

/// A file as a finding names it.
std::string name_in_report(const std::string& path) {
  // Where segment and manifest disagree, one of them is wrong: the finding names the segment and the
  // manifest.
  if (path.ends_with("manifest-rank-00000.jsonl")) return "manifest";
  return fs::path(path).filename().string();
}

TEST(VerifyFlips, AFlippedBitInTheMiddleOfEachFileIsNamed) {
  const TamperedRun run;
  const std::vector<std::string> files = testing::files_of(run.folder());
  ASSERT_GE(files.size(), 40u);
  for (const std::string& file : files) {
    const std::uint64_t bit = fs::file_size(run / file) / 2 * 8 + 1;
    testing::flip_bit(run / file, bit);
    const Verified verified = run.verify();
    EXPECT_GE(verified.failures, 1) << file;
    EXPECT_THAT(verified.text, HasSubstr(name_in_report(file))) << file;
    testing::flip_bit(run / file, bit);
  }
  const Verified verified = run.verify();
  EXPECT_EQ(verified.failures, 0) << verified.text;
}

TEST(VerifyFlips, AFlippedBitAnywhereIsFound) {
  const TamperedRun run;
  const std::vector<std::string> files = testing::files_of(run.folder());
  std::uint64_t bytes = 0;
  for (const std::string& file : files) bytes += fs::file_size(run / file);
  RandomStream random(8, 200);
  const std::size_t flips = testing::sweep_size(200, 2000);
  for (std::size_t i = 0; i < flips; ++i) {
    std::uint64_t bit = random.next_u64() % (bytes * 8);
    std::size_t file = 0;
    for (; bit >= fs::file_size(run / files[file]) * 8; ++file) bit -= fs::file_size(run / files[file]) * 8;
    testing::flip_bit(run / files[file], bit);
    const Verified verified = run.verify();
    EXPECT_GE(verified.failures, 1) << files[file] << ", bit " << bit;
    testing::flip_bit(run / files[file], bit);
  }
}

// Most bytes of a run are weights: the small files get their share here.
TEST(VerifyFlips, AFlippedBitAnywhereInASmallFileIsFound) {
  const TamperedRun run;
  RandomStream random(8, 201);
  for (const char* name : {"recipe.toml", "chain.jsonl", "metrics.jsonl", "summary.json", "lineage.json",
                           "checkpoints/latest", "rollouts/rl-1/manifest-rank-00000.jsonl"}) {
    const std::uint64_t bits = fs::file_size(run / name) * 8;
    const std::size_t flips = testing::sweep_size(25, 400);
    for (std::size_t i = 0; i < flips; ++i) {
      const std::uint64_t bit = random.next_u64() % bits;
      testing::flip_bit(run / name, bit);
      const Verified verified = run.verify();
      EXPECT_GE(verified.failures, 1) << name << ", bit " << bit;
      EXPECT_THAT(verified.text, HasSubstr(name_in_report(name))) << name << ", bit " << bit;
      testing::flip_bit(run / name, bit);
    }
  }
}

}  // namespace
}  // namespace reckon
