// `reckon selftest`, the program itself: alone, under mpirun, and with each of its properties broken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

const std::vector<std::string> kProperties = {
    "numerics",      "batch invariance", "packed = unpacked", "micro-batch", "sampler = learner",
    "ranks 1 = all", "resume",           "atomic rename",     "file lock",   "shared folder",
    "grader",        "rollout log"};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class SelftestProgram : public ::testing::Test {
 protected:
  testing::TempDir temp;
  fs::path folder = temp.path() / "folder";
  std::string error;  ///< standard error of the last run

  void SetUp() override { fs::create_directory(folder); }

  static std::string binary() { return (testing::binary_dir() / "bin" / "reckon").string(); }
  static std::string mpirun(int ranks) {
    return "mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " ";
  }

  /// Standard output. \param before  what stands before the program's name
  testing::CommandResult selftest(const std::string& arguments, const std::string& before = "") {
    const fs::path errors = temp.path() / "errors";
    auto result = testing::run_command("(" + before + " " + binary() + " selftest --folder " +
                                       folder.string() + " " + arguments + " 2>" + errors.string() + ")");
    error = testing::read_text(errors);
    return result;
  }
  /// The rows of --json by property.
  std::map<std::string, json> rows(int exit_code, const std::string& arguments,
                                   const std::string& before = "") {
    const auto result = selftest("--json " + arguments, before);
    EXPECT_EQ(result.exit_code, exit_code) << result.output << error;
    std::map<std::string, json> found;
    for (const std::string& line : lines_of(result.output)) {
      const json row = json::parse(line);
      found[row["property"]] = row;
    }
    return found;
  }
};

TEST_F(SelftestProgram, OneRankPassesAndSkipsWhatNeedsMore) {
  const auto found = rows(0, "");
  ASSERT_EQ(found.size(), kProperties.size());
  for (const std::string& property : kProperties) {
    const json& row = found.at(property);
    if (property == "ranks 1 = all" || property == "shared folder") {
      EXPECT_EQ(row["result"], "skipped");
      EXPECT_EQ(row["compared"], "needs mpirun -n 2");
    } else {
      EXPECT_EQ(row["result"], "pass") << row;
      EXPECT_GT(row["seconds"], 0);
    }
    EXPECT_EQ(row["detail"], "");
  }
  EXPECT_THAT(found.at("sampler = learner")["compared"].get<std::string>(),
              HasSubstr("largest difference 0"));
  EXPECT_TRUE(fs::is_empty(folder)) << "left something behind";
}

TEST_F(SelftestProgram, TwoRanksPassAll) {
  const auto result = selftest("", mpirun(2));
  EXPECT_EQ(result.exit_code, 0) << result.output << error;
  EXPECT_THAT(result.output, HasSubstr("reckon selftest: 2 ranks, "));
  EXPECT_THAT(result.output, HasSubstr("\nproperty            result      time  compared\n"));
  int properties = 0;
  for (const std::string& line : lines_of(result.output)) {
    EXPECT_TRUE(line.size() <= 80 || line.find(folder.string()) != std::string::npos) << line;
    for (const std::string& property : kProperties) {
      if (line.rfind(property + "  ", 0) != 0) continue;
      ++properties;
      EXPECT_NE(line.find(" pass "), std::string::npos) << line;
    }
  }
  EXPECT_EQ(properties, 12);
  EXPECT_THAT(result.output, HasSubstr(" passed, 0 failed, "));
  EXPECT_TRUE(fs::is_empty(folder)) << "left something behind";
}

struct BrokenProperty {
  std::string property;
  std::vector<int> numbers;  ///< comparisons to break; the last is the property's last, with three models
  std::string detail;        ///< a part of what is told
  int ranks = 1;
};

void PrintTo(const BrokenProperty& broken, std::ostream* out) {
  *out << broken.property;
}

class BrokenSelftest : public SelftestProgram, public ::testing::WithParamInterface<BrokenProperty> {};

TEST_P(BrokenSelftest, Fails) {
  const BrokenProperty& broken = GetParam();
  for (const int number : broken.numbers) {
    const std::string name = broken.property + ":" + std::to_string(number);
    const auto found =
        rows(70, "--only '" + broken.property + "'",
             "RECKON_SELFTEST_BREAK='" + name + "' " + (broken.ranks > 1 ? mpirun(broken.ranks) : ""));
    ASSERT_EQ(found.size(), 1U);
    const json& row = found.at(broken.property);
    EXPECT_EQ(row["result"], "fail") << name;
    EXPECT_THAT(row["detail"].get<std::string>(), HasSubstr(broken.detail)) << name;
    EXPECT_THAT(error, HasSubstr("error: selftest: failed: " + broken.property)) << name;
    EXPECT_TRUE(fs::is_empty(folder)) << "left something behind";
  }
}

INSTANTIATE_TEST_SUITE_P(
    EachProperty, BrokenSelftest,
    ::testing::Values(BrokenProperty{"numerics", {1, 2}, "fingerprint of the operations: \""},
                      BrokenProperty{"batch invariance", {1, 216}, ": value "},
                      BrokenProperty{"packed = unpacked", {1, 24}, ": value "},
                      BrokenProperty{"micro-batch", {1, 53, 54}, " with micro-batches of one leaf, "},
                      BrokenProperty{"sampler = learner", {1, 2, 435}, ", "},
                      BrokenProperty{"ranks 1 = all", {1, 2, 3, 12}, "rank 0: ", 2},
                      BrokenProperty{"atomic rename", {1}, "not all of one version (need 262144)"},
                      BrokenProperty{"atomic rename", {2, 3}, " written, "},
                      BrokenProperty{"file lock", {1, 2}, "flock "},
                      BrokenProperty{"shared folder", {1, 2, 3}, "rank 0: ", 2},
                      BrokenProperty{"grader", {1, 13, 14, 19}, " expected, "},
                      BrokenProperty{"rollout log", {1, 2, 13}, " of the log"}),
    [](const auto& param) {
      std::string name;
      for (const char c : param.param.property)
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name + std::to_string(param.index);
    });

TEST_F(SelftestProgram, AFailureIsToldBelowTheTable) {
  const auto result = selftest("--only micro-batch --only grader", "RECKON_SELFTEST_BREAK=micro-batch:2");
  EXPECT_EQ(result.exit_code, 70);
  EXPECT_THAT(result.output, HasSubstr("\nmicro-batch         FAIL  "));
  EXPECT_THAT(result.output, HasSubstr("\ngrader              pass  "));
  EXPECT_THAT(result.output, HasSubstr("\nFAIL micro-batch\n  qwen2 float32, weights: value "));
  EXPECT_THAT(result.output, HasSubstr("1 passed, 1 failed, 0 skipped in "));
}

TEST_F(SelftestProgram, ARankThatFailsAloneIsNamed) {
  const std::string others = " --json --only grader";
  const auto result = selftest("--json --only grader : -n 1 env RECKON_SELFTEST_BREAK=grader " + binary() +
                                   " selftest --folder " + folder.string() + others,
                               mpirun(1));
  EXPECT_EQ(result.exit_code, 70) << error;
  EXPECT_THAT(result.output, HasSubstr("\"detail\":\"rank 1: gold 42, answer 42.0: "));
  EXPECT_THAT(error, HasSubstr("error: selftest: failed: grader"));
}

TEST_F(SelftestProgram, AFolderThatCannotBeWrittenFailsWhatNeedsIt) {
  folder = "/proc";  // for root as well
  const std::string only = "--only grader --only 'atomic rename' --only 'file lock' --only 'rollout log'";
  const auto found = rows(70, only);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found.at("grader")["result"], "pass");
  for (const char* property : {"atomic rename", "file lock", "rollout log"}) {
    EXPECT_EQ(found.at(property)["result"], "fail");
    EXPECT_THAT(found.at(property)["detail"].get<std::string>(),
                HasSubstr("/proc: cannot make a folder in it"));
  }
  const auto together = rows(70, "--only 'shared folder'", mpirun(2));
  EXPECT_THAT(together.at("shared folder")["detail"].get<std::string>(),
              HasSubstr("rank 0: /proc: cannot make a folder in it"));
}

TEST_F(SelftestProgram, RefusesWhatIsNotThere) {
  EXPECT_EQ(selftest("--only grade").exit_code, 2);
  EXPECT_THAT(error, HasSubstr("--only: no property \"grade\" (need one of numerics, batch invariance, "));
  EXPECT_EQ(selftest("", "RECKON_SELFTEST_BREAK=grade").exit_code, 2);
  EXPECT_THAT(error, HasSubstr("RECKON_SELFTEST_BREAK: no property \"grade\" (need one of "));
  folder /= "missing";
  EXPECT_EQ(selftest("", mpirun(2)).exit_code, 66);
  EXPECT_THAT(error, HasSubstr("missing\" is no folder (need one that is there)"));
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(SelftestProgram, StopsOnASignalAndLeavesNothing) {
  const std::string out = (temp.path() / "out").string();
  const auto result = testing::run_command(binary() + " selftest --folder " + folder.string() + " >" + out +
                                           " 2>&1 & for i in $(seq 600); do " + "grep -q '^numerics' " + out +
                                           " && break; sleep 0.05; done; kill -TERM $!; wait $!");
  EXPECT_EQ(result.exit_code, 75) << result.output;
  EXPECT_THAT(testing::read_text(out), HasSubstr("selftest: stopped (Terminated)"));
  EXPECT_TRUE(fs::is_empty(folder)) << "left something behind";
}

}  // namespace
}  // namespace reckon
