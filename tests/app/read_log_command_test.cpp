// The program as the reading process of rollout logs; what that process does is tested in tests/record.
#include <gmock/gmock.h>

#include "reckon/record/guarded_log.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
using testing::expect_same_batch;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run_command;
using testing::sample_batch;
using testing::TempDir;

std::string program() {
  return (testing::binary_dir() / "bin" / "reckon").string();
}

TEST(ReadLogCommand, ReadsALogForAnotherProcess) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), testing::sample_info(), testing::sample_terms());
  log.append(sample_batch(5), {});
  set_reader_program({program(), "read-log"});
  const auto reader = open_log(log.live_path(), LogTrust::listed, {.memory_mb = 256});
  ASSERT_EQ(reader->num_steps(), 1U);
  expect_same_batch(reader->read(0).batch, sample_batch(5));
}

TEST(ReadLogCommand, IsInNoHelpAndNotForPeople) {
  EXPECT_THAT(run_command(program() + " --help").output, Not(HasSubstr("read-log")));
  const auto result = run_command("echo hello | " + program() + " read-log");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("It is a command of reckon's own, not for people"));
  EXPECT_EQ(run_command(program() + " read-log < /dev/null").exit_code, 0);
}

}  // namespace
}  // namespace reckon
