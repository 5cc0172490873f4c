#include "reckon/record/metrics.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/base/philox.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
using testing::error_of;
using ::testing::HasSubstr;
using testing::read_text;
using testing::TempDir;

TEST(Metrics, WritesOneObjectALineWithItsKeysInOrder) {
  const TempDir temp;
  const auto file = temp.path() / "metrics.jsonl";
  MetricsRow row{.stage = "rl-1", .step = 7, .values = {}};
  row.add("reward", 0.1);
  row.add("kl", std::numeric_limits<double>::quiet_NaN());
  row.add("grad_norm", std::numeric_limits<double>::infinity());
  row.add("advantage", 2.0F);
  row.add("tokens", std::uint64_t{12345678901});
  row.add("note", "a \"b\"\n√");
  MetricsStream(file).write(row);
  const std::string first =
      R"({"stage":"rl-1","step":7,"reward":0.1,"kl":null,"grad_norm":null,"advantage":2.0,"tokens":12345678901,)"
      R"("note":"a \"b\"\n√"})"
      "\n";
  EXPECT_EQ(read_text(file), first);
  MetricsStream(file).write({.stage = "rl-2", .step = 0, .values = {}});
  EXPECT_EQ(read_text(file), first + "{\"stage\":\"rl-2\",\"step\":0}\n");
}

TEST(Metrics, KnowsWhatClockAndMachineDecide) {
  for (const char* name :
       {"seconds", "sample_seconds", "checkpoint_seconds", "rss_mb_max", "straggler_rank", "rss_helpers_mb"})
    EXPECT_TRUE(is_measurement(name)) << name;
  for (const char* name : {"loss", "reward", "tokens", "alarms", "seconds_of_thought", "rss"})
    EXPECT_FALSE(is_measurement(name)) << name;
}

TEST(Metrics, DoublesReadBackAsTheSameDoubles) {
  const TempDir temp;
  const auto file = temp.path() / "metrics.jsonl";
  std::vector<double> values = {
      0.0, -0.0, 0.1, 1.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e23};
  RandomStream random(7, 1);
  while (values.size() < 5000) {
    const double value = std::bit_cast<double>(random.next_u64());
    if (std::isfinite(value)) values.push_back(value);
  }
  MetricsStream metrics(file);
  for (const double value : values) {
    MetricsRow row{.stage = "s", .step = 0, .values = {}};
    row.add("x", value);
    metrics.write(row);
  }
  std::istringstream lines(read_text(file));
  for (const double value : values) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    const std::size_t start = line.rfind(':') + 1;
    const double by_strtod = std::strtod(line.c_str() + start, nullptr);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(by_strtod), std::bit_cast<std::uint64_t>(value)) << line;
  }
}

TEST(Metrics, ALineIsThereWhenWriteReturns) {
  const TempDir temp;
  const auto file = temp.path() / "metrics.jsonl";
  MetricsStream metrics(file);
  for (std::uint64_t step = 0; step < 3; ++step) {
    metrics.write({.stage = "s", .step = step, .values = {}});
    const std::string text = read_text(file);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(step + 1));
  }
}

TEST(Metrics, BytesThatAreNoUtf8DoNotBreakTheLine) {
  const TempDir temp;
  const auto file = temp.path() / "metrics.jsonl";
  MetricsRow row{.stage = "s", .step = 0, .values = {}};
  row.add("text", "a\xff");
  MetricsStream(file).write(row);
  EXPECT_EQ(read_text(file), "{\"stage\":\"s\",\"step\":0,\"text\":\"a\xEF\xBF\xBD\"}\n");
}

TEST(Metrics, RefusesANameThatStandsTwice) {
  const TempDir temp;
  MetricsStream metrics(temp.path() / "metrics.jsonl");
  MetricsRow row{.stage = "s", .step = 3, .values = {}};
  row.add("step", 1);
  EXPECT_EQ(error_of(ExitCode::internal, [&] { metrics.write(row); }),
            "metrics: \"step\" stands twice in step 3 of stage \"s\" (need each name once)");
  EXPECT_EQ(read_text(temp.path() / "metrics.jsonl"), "");
}

TEST(Metrics, SaysWhichFileCannotBeWritten) {
  const TempDir temp;
  testing::write_text(temp.path() / "file", "x");
  const auto below_file = temp.path() / "file" / "metrics.jsonl";
  EXPECT_EQ(error_of(ExitCode::io, [&] { MetricsStream{below_file}; }),
            below_file.string() + ": cannot write: Not a directory");
  MetricsStream full("/dev/full");
  EXPECT_EQ(error_of(ExitCode::io, [&] { full.write({.stage = "s", .step = 0, .values = {}}); }),
            "/dev/full: cannot append a line of 23 bytes: No space left on device");
}

}  // namespace
}  // namespace reckon
