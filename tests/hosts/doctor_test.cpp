// `reckon doctor` over hosts with a slow link, a folder that is not shared, clocks that differ, a rank that
// stops.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hosts/hosts.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

using Rows = std::map<std::string, json>;

/// The rows of --json by check.
Rows rows_of(const std::string& output) {
  Rows rows;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("{")) continue;
    const json row = json::parse(line);
    rows[row.at("check")] = row;
  }
  return rows;
}

std::vector<std::string> advice(const Rows& rows, const std::string& check) {
  return rows.at(check).at("advice").get<std::vector<std::string>>();
}

class DoctorOverHosts : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path out = folder.path() / "runs";
  testing::Hosts hosts{.folder = folder.path()};

  void SetUp() override {
    if (!testing::has_hosts()) GTEST_SKIP() << "no right to make network namespaces";
    fs::create_directory(out);
  }
  [[nodiscard]] std::string doctor(const std::string& arguments, const std::string& environment = "") const {
    return "across 1 -x OMP_NUM_THREADS=1 " + environment + " " +
           (testing::binary_dir() / "bin/reckon").string() + " doctor --out " + out.string() + " " +
           arguments;
  }
};

TEST_F(DoctorOverHosts, NamesTheHostWithTheSlowLink) {
  hosts.links = "-l '3:--delay-ms 30 --mbit 100'";
  const auto run = hosts.run(doctor("--json"));
  ASSERT_EQ(run.exit_code, 0) << run.output;
  const Rows rows = rows_of(run.output);
  EXPECT_EQ(rows.size(), 16U) << run.output;
  EXPECT_EQ(rows.at("links").at("verdict"), "warn");
  EXPECT_THAT(advice(rows, "links"),
              ::testing::IsSupersetOf({HasSubstr("between rank 0 (node1) and rank 2 (node3): round trip "),
                                       HasSubstr("between rank 1 (node2) and rank 2 (node3): round trip ")}));
  EXPECT_EQ(rows.at("ports").at("verdict"), "pass");
  EXPECT_EQ(rows.at("shared folder").at("verdict"), "pass");
  EXPECT_EQ(rows.at("atomic rename").at("verdict"), "pass");
  EXPECT_EQ(rows.at("versions").at("verdict"), "pass");
  EXPECT_EQ(rows.at("numerics").at("verdict"), "pass");
  EXPECT_EQ(rows.at("clocks").at("verdict"), "pass") << rows.at("clocks");
  EXPECT_THAT(rows.at("ranks and cores").at("found").get<std::string>(),
              HasSubstr("3 ranks on 3 hosts: node1 (0; "));
  EXPECT_THAT(rows.at("interfaces").at("found").get<std::string>(),
              HasSubstr("node1: eth0 10.77.0.1; MPI uses eth0"));
  EXPECT_TRUE(fs::is_empty(out)) << "left something behind";
}

TEST_F(DoctorOverHosts, FailsWhereAHostHasAFolderOfItsOwn) {
  const auto run =
      hosts.run("on 2 mount -t tmpfs tmpfs " + out.string() + " || exit 77\n" + doctor("--json"));
  if (run.exit_code == 77) GTEST_SKIP() << "no right to mount";
  EXPECT_EQ(run.exit_code, 78) << run.output;
  const Rows rows = rows_of(run.output);
  EXPECT_EQ(rows.at("shared folder").at("verdict"), "fail");
  EXPECT_THAT(advice(rows, "shared folder"), Contains(HasSubstr("rank 1 (node2): ")));
  EXPECT_THAT(run.output, HasSubstr("error: doctor: failed: shared folder"));
}

TEST_F(DoctorOverHosts, NamesTheClockThatIsWrong) {
  const std::string faults = (testing::binary_dir() / "tests/libmachine_faults.so").string();
  const auto run = hosts.run(doctor("--json", "-x FAULT=" + faults +
                                                  " bash -c '[ $(hostname) = node3 ] && export "
                                                  "LD_PRELOAD=$FAULT FAULT_CLOCK_BACK_MS=0; exec \"$@\"' -"));
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(advice(rows_of(run.output), "clocks"),
              Contains(HasSubstr("the clock of node3 is 3600.0 s behind that of node1")));
}

TEST_F(DoctorOverHosts, NamesARankThatDoesNotAnswer) {
  const auto run = hosts.run(doctor(
      "--timeout-s 3", "-x RECKON_FAIL_AT=doctor.links -x RECKON_FAIL_RANK=2 -x RECKON_FAIL_SIGNAL=19"));
  EXPECT_EQ(run.exit_code, 78) << run.output;
  EXPECT_THAT(run.output, HasSubstr("error: doctor: "));
  EXPECT_THAT(run.output, HasSubstr("rank 2 (node3)"));
}

TEST(Doctor, OfOneTwoAndFourRanksOnOneHost) {
  const testing::TempDir folder;
  for (const int ranks : {1, 2, 4}) {
    SCOPED_TRACE(ranks);
    const auto run = testing::run_command(
        "OMP_NUM_THREADS=1 mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " " +
        (testing::binary_dir() / "bin/reckon").string() + " doctor --json --out " + folder.path().string());
    EXPECT_EQ(run.exit_code, 0) << run.output;
    const Rows rows = rows_of(run.output);
    ASSERT_EQ(rows.size(), 16U) << run.output;
    for (const char* check : {"ports", "clocks"}) EXPECT_EQ(rows.at(check).at("verdict"), "skipped");
    EXPECT_EQ(rows.at("links").at("verdict"), ranks == 1 ? "skipped" : "pass");
    for (const char* check : {"versions", "numerics", "shared folder", "atomic rename"})
      EXPECT_EQ(rows.at(check).at("verdict"), "pass") << rows.at(check);
  }
}

TEST(Doctor, SaysWhatItNeeds) {
  const std::string program = (testing::binary_dir() / "bin/reckon").string() + " doctor ";
  const auto missing = testing::run_command(program + "--out /not/there");
  EXPECT_EQ(missing.exit_code, 66) << missing.output;
  EXPECT_THAT(missing.output, HasSubstr("--out: \"/not/there\" is no folder"));
  EXPECT_EQ(testing::run_command(program + "--timeout-s 0").exit_code, 2);
}

TEST(Doctor, FailsWhereTooFewFilesMayBeOpen) {
  const testing::TempDir folder;
  const auto run = testing::run_command("ulimit -n 100; " + (testing::binary_dir() / "bin/reckon").string() +
                                        " doctor --json --out " + folder.path().string());
  EXPECT_EQ(run.exit_code, 78) << run.output;
  EXPECT_THAT(advice(rows_of(run.output), "limits"),
              Contains(HasSubstr("may have 100 files open (need 130 for 1 ranks)")));
}

}  // namespace
}  // namespace reckon
