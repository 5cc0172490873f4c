#include "reckon/record/guarded_log.h"

#include <gmock/gmock.h>
#include <hdf5.h>

#include <array>
#include <chrono>

#include "reckon/base/philox.h"
#include "reckon/base/sha256.h"
#include "record/log_wire.h"
#include "record/sample_batches.h"
#include "support/paths.h"
#include "support/processes.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using testing::error_of;
using testing::expect_same_batch;
using ::testing::HasSubstr;
using testing::read_text;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;
using ::testing::StartsWith;
using testing::TempDir;
using testing::write_text;

constexpr std::string_view kQuestion = ". Is the file damaged or hostile?";

std::string reader_program() {
  return (testing::binary_dir() / "tests" / "log_reader_program").string();
}

/// A closed segment of three steps, a live one of two, and the program that reads them.
class GuardedLog : public ::testing::Test {
 protected:
  void SetUp() override {
    RolloutLogWriter log(folder(), sample_info(), sample_terms(), {.segment_steps = 3});
    for (std::uint64_t step = 0; step < 5; ++step) log.append(sample_batch(step), sample_hashes(step));
    set_reader_program({reader_program(), "read-log"});
  }
  void TearDown() override { EXPECT_TRUE(testing::all_gone(reader_program())); }

  [[nodiscard]] const fs::path& folder() const { return temp_.path(); }
  [[nodiscard]] fs::path closed() const { return folder() / "rank-00003.000000.h5"; }
  [[nodiscard]] fs::path live() const { return folder() / "rank-00003.000001.h5.part"; }
  [[nodiscard]] fs::path manifest() const { return folder() / "manifest-rank-00003.jsonl"; }

  /// What is said of a file that is read whole by the child.
  [[nodiscard]] std::string message_on_reading(const GuardLimits& limits = {}) const {
    return error_of(ExitCode::bad_data, [&] {
      const auto log = open_guarded_log(closed(), limits);
      for (std::uint64_t i = 0; i < log->num_steps(); ++i) static_cast<void>(log->read(i));
    });
  }
  /// The same where the child is a shell script.
  [[nodiscard]] std::string message_of_script(const std::string& script,
                                              const GuardLimits& limits = {}) const {
    set_reader_program({"sh", "-c", script});
    return message_on_reading(limits);
  }
  [[nodiscard]] std::string could_not_be_read(const std::string& what) const {
    return closed().string() + ": could not be read: " + what + std::string(kQuestion);
  }

  TempDir temp_;
};

void expect_steps(const RolloutLogSource& log, std::uint64_t first, std::uint64_t count) {
  ASSERT_EQ(log.num_steps(), count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const RolloutStep step = log.read(i);
    expect_same_batch(step.batch, sample_batch(first + i));
    EXPECT_EQ(step.hashes, sample_hashes(first + i));
  }
}

TEST_F(GuardedLog, ChildAndDirectReaderGiveTheSame) {
  for (const fs::path& file : {closed(), live()}) {
    SCOPED_TRACE(file.string());
    const RolloutLogReader direct(file);
    const auto guarded = open_guarded_log(file);
    EXPECT_EQ(guarded->segment(), direct.segment());
    EXPECT_EQ(guarded->reward_term_names(), direct.reward_term_names());
    EXPECT_EQ(guarded->info().run_id, direct.info().run_id);
    EXPECT_EQ(guarded->info().recipe_text, direct.info().recipe_text);
    EXPECT_EQ(guarded->info().created, direct.info().created);
    ASSERT_EQ(guarded->num_steps(), direct.num_steps());
    EXPECT_EQ(guarded->step_numbers(), direct.step_numbers());
    EXPECT_EQ(guarded->group_places(1), direct.group_places(1));
    for (std::uint64_t i = direct.num_steps(); i-- > 0;) {
      expect_same_batch(guarded->read(i).batch, direct.read(i).batch);
      EXPECT_EQ(guarded->read(i).hashes, direct.read(i).hashes);
    }
  }
}

TEST_F(GuardedLog, OnlyWhatTheManifestListsIsReadHere) {
  set_reader_program({});  // a child cannot be had
  EXPECT_TRUE(is_listed(closed()));
  expect_steps(*open_log(closed()), 0, 3);
  EXPECT_FALSE(is_listed(live()));
  const std::string message = ": no program to read it (need set_reader_program())";
  EXPECT_EQ(error_of(ExitCode::internal, [&] { static_cast<void>(open_log(live())); }),
            live().string() + message);
  EXPECT_EQ(error_of(ExitCode::internal, [&] { static_cast<void>(open_log(closed(), LogTrust::nothing)); }),
            closed().string() + message);
}

TEST_F(GuardedLog, WhatIsNotListedIsReadAllTheSame) {
  expect_steps(*open_log(live()), 3, 2);
  EXPECT_EQ(open_log(live())->step_numbers(), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(open_log(live())->group_places(1), (std::vector<std::uint64_t>{8, 9}));
  EXPECT_EQ(open_log(closed())->group_places(2), (std::vector<std::uint64_t>{4, 5}));
  expect_steps(*open_log(closed(), LogTrust::nothing), 0, 3);
  const fs::path foreign = folder() / "from a\nfriend.h5";
  fs::copy_file(closed(), foreign);
  EXPECT_FALSE(is_listed(foreign));
  expect_steps(*open_log(foreign), 0, 3);
}

TEST_F(GuardedLog, AFlippedBitIsNotListed) {
  const std::string good = read_text(closed());
  RandomStream random(7, 1);
  for (int i = 0; i < 20; ++i) {
    std::string bad = good;
    bad[random.below(static_cast<std::uint32_t>(bad.size()))] ^= static_cast<char>(1 << random.below(8));
    write_text(closed(), bad);
    EXPECT_FALSE(is_listed(closed()));
  }
  write_text(closed(), good + "x");
  EXPECT_FALSE(is_listed(closed()));
  write_text(closed(), good);
  EXPECT_TRUE(is_listed(closed()));
}

TEST_F(GuardedLog, OnlyAProperLineOfTheManifestLists) {
  const std::string line = read_text(manifest());
  const std::string name = closed().filename().string();
  const auto listed_with = [&](const std::string& text) {
    write_text(manifest(), text);
    return is_listed(closed());
  };
  EXPECT_TRUE(listed_with("no json\n[1]\n{}\n" + line + R"({"file": "rank-0)"));
  EXPECT_TRUE(listed_with(R"({"file": ")" + name + R"(", "bytes": 1, "sha256": "" })" + "\n" + line));
  EXPECT_FALSE(listed_with(line + R"({"file": ")" + name + R"(", "bytes": 1, "sha256": ""})" + "\n"));
  EXPECT_FALSE(listed_with(line + R"({"file": ")" + name + R"(", "bytes": -1, "sha256": 5})" + "\n"));
  EXPECT_FALSE(listed_with(""));
  EXPECT_FALSE(listed_with(std::string(100'000, '[')));
  fs::remove(manifest());
  EXPECT_FALSE(is_listed(closed()));
}

TEST_F(GuardedLog, ANameThatIsNoSegmentsIsNotListed) {
  for (const char* name : {"rank-3.0.h5", "rank-00003.000000.h5.part", "rank-00003.h5", "rank-", "x", ""}) {
    EXPECT_FALSE(is_listed(folder() / name)) << name;
  }
}

TEST_F(GuardedLog, SaysThatAFileIsNotThere) {
  EXPECT_EQ(error_of(ExitCode::missing_input, [&] { static_cast<void>(open_log(folder() / "no.h5")); }),
            (folder() / "no.h5").string() + ": is not there (need an HDF5 file)");
  EXPECT_EQ(error_of(ExitCode::missing_input, [&] { static_cast<void>(open_log(folder())); }),
            folder().string() + ": is not there (need an HDF5 file)");
}

TEST_F(GuardedLog, DamagedFilesAreRefusedByName) {
  const std::string good = read_text(closed());
  RandomStream random(7, 2);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random.below(256));
  std::string bad_superblock = good;
  bad_superblock[9] = '\x7F';
  for (const std::string& bad :
       {std::string(), good.substr(0, 100), good.substr(0, good.size() / 2), noise, bad_superblock}) {
    write_text(closed(), bad);
    EXPECT_THAT(message_on_reading(), StartsWith(closed().string() + ": cannot open as HDF5: "));
  }
}

/// Whatever a flipped bit does to HDF5, here it is an error that names the file, or nothing is lost.
TEST_F(GuardedLog, AnyFlippedBitIsAnErrorOrDoesNothing) {
  const std::string good = read_text(closed());
  RandomStream random(7, 3);
  std::size_t num_errors = 0;
  const std::size_t num_flips = testing::sweep_size(60, 2000);
  for (std::size_t flip = 0; flip < num_flips; ++flip) {
    std::string bad = good;
    const std::uint32_t at = random.below(static_cast<std::uint32_t>(bad.size()));
    bad[at] ^= static_cast<char>(1 << random.below(8));
    write_text(closed(), bad);
    try {
      const auto log = open_guarded_log(closed(), {.memory_mb = 512, .seconds = 20});
      for (std::uint64_t i = 0; i < log->num_steps(); ++i) static_cast<void>(log->read(i));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), StartsWith(closed().string() + ": ")) << "byte " << at;
      ++num_errors;
    }
  }
  EXPECT_GT(num_errors, num_flips / 10);
}

TEST_F(GuardedLog, AChildThatDiesIsAnErrorOfTheFile) {
  EXPECT_EQ(message_of_script("read x; kill -SEGV $$"),
            could_not_be_read("the reading process was killed by signal 11 (Segmentation fault)"));
  EXPECT_EQ(message_of_script("read x; exit 3"), could_not_be_read("the reading process ended with code 3"));
}

TEST_F(GuardedLog, AChildThatDiesInAStepIsAnErrorOfTheFile) {
  const fs::path header = folder() / "header";
  write_text(header, as_line(header_message({sample_info(), 0, sample_terms(), 3})) + "\n");
  set_reader_program({"sh", "-c", "read x; cat '" + header.string() + "'; read y; kill -SEGV $$"});
  const auto log = open_guarded_log(closed());
  EXPECT_EQ(log->num_steps(), 3U);
  const std::string message =
      could_not_be_read("the reading process was killed by signal 11 (Segmentation fault)");
  for (int i = 0; i < 2; ++i) {  // and it stays dead
    EXPECT_EQ(error_of(ExitCode::bad_data, [&] { static_cast<void>(log->read(0)); }), message);
  }
}

TEST_F(GuardedLog, AChildThatHangsIsKilled) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(message_of_script("read x; exec sleep 4321.25", {.seconds = 1}),
            could_not_be_read("the reading process gave no answer within 1 s"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_TRUE(testing::all_gone("4321.25"));
}

TEST_F(GuardedLog, AChildThatTakesTheProcessorForEverIsKilled) {
  set_reader_program({reader_program(), "spin"});
  EXPECT_EQ(message_on_reading({.seconds = 60}),
            could_not_be_read("the reading process was killed by signal 24 (CPU time limit exceeded)"));
}

TEST_F(GuardedLog, AChildThatTalksNonsenseIsNotBelieved) {
  EXPECT_EQ(message_of_script("read x; echo hello"),
            could_not_be_read("the reading process answered nonsense: a message that ends too soon"));
  EXPECT_EQ(message_of_script("read x; echo"),
            could_not_be_read("the reading process answered nonsense: an empty message"));
  EXPECT_EQ(message_of_script("read x; printf '\\033\\033\\n'"),
            could_not_be_read("the reading process answered nonsense: a line that is no message"));
}

TEST_F(GuardedLog, AChildThatTalksForEverIsStopped) {
  const GuardLimits limits{.max_answer_bytes = 1000};
  const std::string message = could_not_be_read("the reading process answered with more than 1000 bytes");
  EXPECT_EQ(message_of_script("read x; exec cat /dev/zero", limits), message);
  EXPECT_EQ(message_of_script("read x; head -c 1500 /dev/zero; echo", limits), message);
}

/// Columns that claim 2^29 rows, none of which the file has: HDF5 gives zeros for them.
TEST_F(GuardedLog, AFileThatWouldFillTheMemoryIsRefused) {
  const hid_t file = H5Fopen(closed().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t rows = hsize_t{1} << 29;
  for (const char* name : {"completions/step", "completions/prompt_row", "completions/visit"}) {
    const hid_t column = H5Dopen2(file, name, H5P_DEFAULT);
    ASSERT_GE(H5Dset_extent(column, &rows), 0);
    H5Dclose(column);
  }
  const hid_t counts = H5Dopen2(file, "steps/num_completions", H5P_DEFAULT);
  const std::array<std::uint64_t, 3> values{rows, 0, 0};
  ASSERT_GE(H5Dwrite(counts, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
  H5Dclose(counts);
  H5Fclose(file);
  const std::string message = message_on_reading({.memory_mb = 200});
#ifdef __SANITIZE_ADDRESS__  // which ends the program where there is no memory
  EXPECT_THAT(message, StartsWith(closed().string() + ": could not be read: "));
#else
  EXPECT_EQ(message, could_not_be_read("it takes more than 200 MiB of memory"));
#endif
}

/// HDF5 lets a file name others that hold its data: a log could so show what lies elsewhere on the machine.
TEST_F(GuardedLog, NoOtherFileIsReadThroughALog) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizers need files of their own";
#endif
  const fs::path secret = folder() / "secret";
  const std::string text = "password";
  write_text(secret, text);
  const hid_t file = H5Fopen(closed().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Ldelete(file, "recipe", H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, text.size());
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
  ASSERT_GE(H5Pset_external(layout, secret.c_str(), 0, text.size()), 0);
  H5Dclose(H5Dcreate2(file, "recipe", type, space, H5P_DEFAULT, layout, H5P_DEFAULT));
  const std::string hash = sha256_hex(text);
  const hid_t attribute = H5Aopen(file, "recipe_sha256", H5P_DEFAULT);
  const hid_t hash_type = H5Aget_type(attribute);
  ASSERT_GE(H5Awrite(attribute, hash_type, hash.c_str()), 0);
  H5Aclose(attribute);
  H5Tclose(hash_type);
  H5Pclose(layout);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
  EXPECT_EQ(RolloutLogReader(closed()).info().recipe_text, text);  // so it would be
  EXPECT_THAT(message_on_reading(), StartsWith(closed().string() + ": cannot read recipe: "));
}

TEST_F(GuardedLog, TheChildWritesNoFile) {
  const std::string path = (folder() / "written").string();
  const auto result = testing::run_command("trap '' XFSZ; " + reader_program() + " write " + path);
  EXPECT_EQ(result.output, "File too large");
  EXPECT_EQ(fs::file_size(path), 0U);
}

TEST_F(GuardedLog, TheChildOpensNoSecondFile) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizers need files of their own";
#endif
  const std::string opened = reader_program() + " open-two " + closed().string();
  EXPECT_EQ(testing::run_command(opened).output, "Too many open files");
}

TEST_F(GuardedLog, TheChildAnswersOnlyItsParent) {
  const auto result = testing::run_command("echo hello | " + reader_program() + " read-log");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.output,
              HasSubstr("read-log: its first request opens no file. It is a command of reckon's "
                        "own, not for people"));
}

TEST_F(GuardedLog, SaysThatItsProgramIsNotThere) {
  set_reader_program({(folder() / "none").string(), "read-log"});
  EXPECT_THAT(error_of(ExitCode::environment, [&] { static_cast<void>(open_guarded_log(closed())); }),
              HasSubstr("cannot be started: "));
}

}  // namespace
}  // namespace reckon
