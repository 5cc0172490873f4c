#include <gmock/gmock.h>
#include <hdf5.h>

#include <algorithm>
#include <array>

#include "reckon/record/rollout_log.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using testing::read_text;
using testing::sample_batch;
using testing::sample_info;
using testing::sample_terms;
using ::testing::StartsWith;
using testing::TempDir;
using testing::write_text;

/// A closed segment of three steps: 18 completions, 6 prompts.
class DamagedLog : public ::testing::Test {
 protected:
  void SetUp() override {
    RolloutLogWriter log(temp_.path(), sample_info(), sample_terms());
    for (std::uint64_t step = 0; step < 3; ++step) log.append(sample_batch(step, 2, 3, 4000), {});
    log.close();
  }

  [[nodiscard]] fs::path file() const { return temp_.path() / "rank-00003.000000.h5"; }

  [[nodiscard]] std::string message_on_reading() const {
    return error_of(ExitCode::bad_data, [&] {
      const RolloutLogReader reader(file());
      for (std::uint64_t i = 0; i < reader.num_steps(); ++i) static_cast<void>(reader.read(i));
    });
  }

  /// Overwrites one element of a column, as a defect elsewhere might: the file's own checks hold.
  template <class T>
  void overwrite(const char* dataset, hsize_t row, T value, hid_t type) const {
    const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t column = H5Dopen2(id, dataset, H5P_DEFAULT);
    const hid_t space = H5Dget_space(column);
    const hsize_t one = 1;
    const hid_t memory = H5Screate_simple(1, &one, nullptr);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &row, nullptr, &one, nullptr);
    ASSERT_GE(H5Dwrite(column, type, memory, space, H5P_DEFAULT, &value), 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(column);
    H5Fclose(id);
  }
  void overwrite_u64(const char* dataset, hsize_t row, std::uint64_t value) const {
    overwrite(dataset, row, value, H5T_NATIVE_UINT64);
  }

  /// The hash of the content of step 1.
  void overwrite_digest(const std::string& digest) const {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 64);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    std::array<char, 64> cell{};
    std::copy(digest.begin(), digest.end(), cell.begin());
    overwrite("steps/batch_sha256", 1, cell, type);
    H5Tclose(type);
  }

  /// Where the first chunk of a column lies in the file.
  [[nodiscard]] std::pair<std::size_t, std::size_t> chunk_of(const char* dataset) const {
    const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t column = H5Dopen2(id, dataset, H5P_DEFAULT);
    const hsize_t origin = 0;
    haddr_t address = 0;
    hsize_t size = 0;
    unsigned filters_skipped = 0;
    EXPECT_GE(H5Dget_chunk_info_by_coord(column, &origin, &filters_skipped, &address, &size), 0);
    H5Dclose(column);
    H5Fclose(id);
    return {address, size};
  }

  TempDir temp_;
};

TEST_F(DamagedLog, NoFlippedBitInTheTokensGoesUnnoticed) {
  const std::string good = read_text(file());
  for (const char* dataset : {"tokens/id", "tokens/sampler_logprob"}) {
    const auto [address, size] = chunk_of(dataset);
    ASSERT_GT(size, 1000U);
    for (std::size_t i = 0; i < 60; ++i) {
      std::string bad = good;
      bad[address + i * size / 60] ^= static_cast<char>(1 << (i % 8));
      write_text(file(), bad);
      EXPECT_THAT(message_on_reading(), StartsWith(file().string() + ": cannot read " + dataset + ": "))
          << "byte " << i * size / 60;
    }
  }
}

TEST_F(DamagedLog, NamesTheDatasetWhoseOffsetsDescend) {
  const std::uint64_t tokens =
      RolloutLogReader(file()).read(0).batch.groups[0].completions[1].token_ids.size();
  ASSERT_GT(tokens, 1U);
  overwrite_u64("completions/token_offset", 3, 1);
  EXPECT_THAT(message_on_reading(), AllOf(StartsWith(file().string() +
                                                     ": completions/token_offset: entry 3 is 1 "
                                                     "(need at least " +
                                                     std::to_string(tokens)),
                                          HasSubstr("Is the file damaged?")));
}

TEST_F(DamagedLog, NamesTheDatasetWhoseOffsetsPassTheData) {
  overwrite_u64("completions/text/offsets", 18, 1000000);
  EXPECT_THAT(
      message_on_reading(),
      StartsWith(file().string() + ": completions/text/offsets: entry 18 is 1000000 (need at least "));
}

TEST_F(DamagedLog, NamesTheDatasetOfAPromptThatIsNotThere) {
  for (hsize_t row = 0; row < 3; ++row) overwrite_u64("completions/prompt_row", row, 6);  // a whole group
  EXPECT_THAT(
      message_on_reading(),
      StartsWith(file().string() + ": prompts/id: 6 rows (need rows 6 to 6 + 1). Is the file damaged?"));
}

TEST_F(DamagedLog, NamesTheDatasetOfAnUnknownCode) {
  overwrite("completions/grade", 4, std::uint8_t{8}, H5T_NATIVE_UINT8);
  EXPECT_THAT(message_on_reading(), StartsWith(file().string() + ": completions/grade: unknown code 8"));
}

TEST_F(DamagedLog, RefusesACompletionThatIsNotOfItsGroup) {
  overwrite_u64("completions/prompt_row", 1, 4);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() + ": completions/prompt_row: row 1 is 4 (need 0, as the rest of "
                                           "group 0)"));
}

TEST_F(DamagedLog, RefusesACompletionOfAnotherVisitOrAdmission) {
  overwrite_u64("completions/visit", 5, 9);
  EXPECT_THAT(
      message_on_reading(),
      StartsWith(file().string() + ": completions/visit: row 5 is 9 (need 0, as the rest of group 1)"));
  overwrite_u64("completions/visit", 5, 0);
  overwrite_u64("completions/admission", 8, 1);
  EXPECT_THAT(
      message_on_reading(),
      StartsWith(file().string() + ": completions/admission: row 8 is 1 (need 2, as the rest of group 2)"));
}

TEST_F(DamagedLog, RefusesACompletionOfAnotherTemperature) {
  overwrite("completions/temperature", 7, 1.5F, H5T_NATIVE_FLOAT);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() + ": completions/temperature: row 7 is 1.500000 (need 0.700000, "));
}

TEST_F(DamagedLog, RefusesStepsThatDoNotFollowEachOther) {
  overwrite_u64("steps/first_completion", 1, 5);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() +
                         ": steps/first_completion: row 1 is 5 (need 6, the end of the step before)"));
}

TEST_F(DamagedLog, RefusesMoreCompletionsThanThereAre) {
  overwrite_u64("steps/num_completions", 2, std::uint64_t{1} << 60);
  EXPECT_THAT(
      message_on_reading(),
      StartsWith(file().string() + ": completions/step: 18 rows (need rows 12 to 12 + 1152921504606846976)"));
}

TEST_F(DamagedLog, RefusesAStepOfNoneBehindAllCompletions) {
  overwrite_u64("steps/num_completions", 1, 1000);
  overwrite_u64("steps/first_completion", 2, 1006);
  overwrite_u64("steps/num_completions", 2, 0);
  const std::string message =
      error_of(ExitCode::bad_data, [&] { static_cast<void>(RolloutLogReader(file()).read(2)); });
  EXPECT_THAT(message,
              StartsWith(file().string() + ": completions/step: 18 rows (need rows 1006 to 1006 + 0)"));
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { static_cast<void>(RolloutLogReader(file()).group_places(2)); }),
            message);
}

TEST_F(DamagedLog, RefusesTextsThatNoRowHas) {
  overwrite_u64("completions/text/offsets", 0, 1);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() +
                         ": completions/text/offsets: entry 0 is 1 (need at least 0 and at most 0)"));
}

TEST_F(DamagedLog, RefusesADigestThatIsNone) {
  overwrite_digest(std::string(63, 'a') + "G");
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() + ": steps/batch_sha256: row 1 is no SHA-256"));
}

TEST_F(DamagedLog, RefusesAStepOfTwoTemperatures) {
  overwrite("completions/temperature", 2, 1.5F, H5T_NATIVE_FLOAT);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() + ": completions/temperature: row 2 is 1.500000 (need 0.700000, as "
                                           "the step's other rows)"));
}

/// Columns that are the same in all rows of a group; what is read back has them once.
TEST_F(DamagedLog, RefusesRowsOfAGroupThatDiffer) {
  const std::string good = read_text(file());
  for (const char* dataset : {"completions/prompt_row", "completions/visit", "completions/admission"}) {
    write_text(file(), good);
    overwrite_u64(dataset, 4, 5);  // the middle of the three rows of a group
    const std::string message = message_on_reading();
    EXPECT_THAT(message, StartsWith(file().string() + ": " + dataset + ": row 4 is 5 (need "));
    EXPECT_THAT(message, HasSubstr("as the rest of group 1)"));
  }
}

TEST_F(DamagedLog, RefusesAFileThatIsCutShort) {
  write_text(file(), read_text(file()).substr(0, 2000));
  EXPECT_THAT(message_on_reading(), StartsWith(file().string() + ": cannot open as HDF5: "));
  write_text(file(), "");
  EXPECT_THAT(message_on_reading(), StartsWith(file().string() + ": cannot open as HDF5: "));
}

TEST_F(DamagedLog, RefusesAnHdf5FileOfAnotherKind) {
  const hid_t id = H5Fcreate(file().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(id);
  EXPECT_THAT(message_on_reading(),
              StartsWith(file().string() + ": cannot open the attribute schema of /: "));
}

TEST(DamagedLiveLog, IsRefusedAndNotWaitedFor) {
  const TempDir temp;
  const fs::path part = temp.path() / "rank-00003.000000.h5.part";
  {
    RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
    log.append(sample_batch(0), {});
  }
  std::string text = read_text(part);
  const std::size_t header = text.find("OHDR");  // of the root group: behind its checksum is no other copy
  ASSERT_NE(header, std::string::npos);
  text[header + 6] ^= 1;
  write_text(part, text);
  EXPECT_THAT(error_of(ExitCode::bad_data, [&] { RolloutLogReader{part}; }),
              AllOf(StartsWith(part.string() + ": cannot "), HasSubstr("checksum")));
}

TEST(RolloutLogReader, SaysThatAFileIsNotThere) {
  EXPECT_EQ(error_of(ExitCode::missing_input, [] { RolloutLogReader("nowhere/rank-00000.000000.h5"); }),
            "nowhere/rank-00000.000000.h5: is not there (need an HDF5 file)");
}

}  // namespace
}  // namespace reckon
