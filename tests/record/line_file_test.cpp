#include "reckon/record/line_file.h"

#include <gmock/gmock.h>

#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(LineFile, IsCutAndGoesOnBehindTheCut) {
  const testing::TempDir temp;
  const auto path = temp.path() / "lines";
  LineFile file(path);
  file.append("one");
  file.append("two");
  file.append("three");
  file.truncate(8);
  EXPECT_EQ(testing::read_text(path), "one\ntwo\n");
  file.append("four");
  EXPECT_EQ(testing::read_text(path), "one\ntwo\nfour\n");
  file.truncate(13);
  EXPECT_EQ(testing::read_text(path), "one\ntwo\nfour\n") << "cut at its end, a file stays as it is";
  file.truncate(0);
  EXPECT_EQ(testing::read_text(path), "");
}

TEST(LineFile, IsNeverMadeLongerByACut) {
  const testing::TempDir temp;
  const auto path = temp.path() / "lines";
  testing::write_text(path, "one\ntw");
  LineFile file(path);
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { file.truncate(7); }),
            path.string() + ": has 6 bytes (need at least 7 to cut it there)");
  EXPECT_EQ(testing::read_text(path), "one\ntw");
}

TEST(LineFile, SaysWhatCannotBeCut) {
  LineFile pipe("/dev/null");
  EXPECT_THAT(error_of(ExitCode::io, [&] { pipe.truncate(0); }),
              HasSubstr("/dev/null: cannot cut the file at byte 0: "));
}

}  // namespace
}  // namespace reckon
