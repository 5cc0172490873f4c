// What `reckon doctor` makes of facts, for machines that no test has.
#include "app/doctor/judge.h"

#include <gmock/gmock.h>

#include "app/doctor/report.h"

namespace reckon::doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RankFacts a_rank(int rank, const std::string& host) {
  RankFacts facts;
  facts.rank = rank;
  facts.host = host;
  facts.kernel = "6.1";
  facts.program_sha256 = std::string(64, 'a');
  facts.torch = "2.11.0";
  facts.mpi = "Open MPI v4.1.4";
  facts.hdf5 = "1.10.8";
  facts.isa = "avx512";
  facts.fingerprint = std::string(64, 'f');
  facts.cores = {0, 1};
  facts.open_files = 1024;
  facts.locked_bytes = -1;
  facts.interfaces = {{"eth0", "10.0.0." + std::to_string(rank)}};
  return facts;
}

std::vector<RankFacts> two_hosts() {
  return {a_rank(0, "n1"), a_rank(1, "n1"), a_rank(2, "n2")};
}

LinkReading a_link(int first, int second, double round_trip_s, double bytes_per_s) {
  return {.first = first,
          .second = second,
          .round_trip_s = round_trip_s,
          .slowest_round_trip_s = round_trip_s,
          .sizes = {{1 << 20, bytes_per_s}}};
}

TEST(JudgePlacement, WantsACoreForEachRank) {
  auto facts = two_hosts();
  EXPECT_EQ(judge_placement(facts).verdict, Verdict::pass);
  EXPECT_EQ(judge_placement(facts).found, "3 ranks on 2 hosts: n1 (0 1; 2 cores) n2 (2; 2 cores)");
  facts[0].cores = facts[1].cores = {3};
  const Finding finding = judge_placement(facts);
  EXPECT_EQ(finding.verdict, Verdict::warn);
  EXPECT_THAT(finding.advice, ElementsAre(HasSubstr("n1 has 2 ranks and lets them run on 1 core: ")));
}

TEST(JudgeVersions, FailsWhereOneRankHasAnother) {
  EXPECT_EQ(judge_versions(two_hosts()).verdict, Verdict::pass);
  auto facts = two_hosts();
  facts[2].hdf5 = "1.12.2";
  EXPECT_EQ(judge_versions(facts).verdict, Verdict::fail);
  EXPECT_THAT(judge_versions(facts).advice,
              ElementsAre(HasSubstr("HDF5 of rank 2 (n2) is 1.12.2, that of rank 0 (n1) 1.10.8. ")));
  facts = two_hosts();
  facts[1].program_sha256 = std::string(64, 'b');
  EXPECT_THAT(judge_versions(facts).advice,
              ElementsAre(HasSubstr(
                  "the program of rank 1 (n1) is bbbbbbbbbbbb..., that of rank 0 (n1) aaaaaaaaaaaa...")));
  facts = two_hosts();
  facts[2].kernel = "5.10";
  EXPECT_EQ(judge_versions(facts).verdict, Verdict::warn);
}

TEST(JudgeNumerics, FailsWhereBitsDiffer) {
  auto facts = two_hosts();
  EXPECT_EQ(judge_numerics(facts).verdict, Verdict::pass);
  facts[1].fingerprint = std::string(64, '0');
  EXPECT_EQ(judge_numerics(facts).verdict, Verdict::fail);
}

TEST(JudgeLimits, CountsFilesByTheNumberOfRanks) {
  auto facts = two_hosts();
  facts[2].open_files = 134;
  EXPECT_EQ(judge_limits(facts).verdict, Verdict::pass);
  facts[2].open_files = 133;
  EXPECT_THAT(judge_limits(facts).advice,
              ElementsAre(HasSubstr("rank 2 (n2) may have 133 files open (need 134 ")));
  facts[2].open_files = -1;
  EXPECT_EQ(judge_limits(facts).verdict, Verdict::pass);
  facts[1].has_infiniband = true;
  EXPECT_EQ(judge_limits(facts).verdict, Verdict::pass);
  facts[1].locked_bytes = 65536;
  EXPECT_THAT(judge_limits(facts).advice, ElementsAre(HasSubstr("may lock 64 KiB of memory")));
}

TEST(JudgeInterfaces, WarnsWhereMpiMustGuess) {
  auto facts = two_hosts();
  EXPECT_EQ(judge_interfaces(facts, "").verdict, Verdict::pass);
  facts[2].interfaces.push_back({"ib0", "10.1.0.2"});
  EXPECT_THAT(judge_interfaces(facts, "").advice, ElementsAre(HasSubstr("a host has several interfaces")));
  EXPECT_THAT(judge_interfaces(facts, "ib0").advice, IsEmpty());
  for (const int rank : {0, 2})
    facts[static_cast<std::size_t>(rank)].interfaces.push_back({"docker0", "172.17.0.1"});
  EXPECT_THAT(judge_interfaces(facts, "").advice,
              ElementsAre(HasSubstr("172.17.0.1 is an address of n1 and of n2")));
}

TEST(JudgeLinks, NamesThoseThatAreSlowOrWrong) {
  const std::vector<RankFacts> facts = {a_rank(0, "n1"), a_rank(1, "n2"), a_rank(2, "n3")};
  const LinkReading good = a_link(0, 1, 50e-6, 1e9);
  EXPECT_EQ(judge_links(facts, {good, a_link(0, 2, 90e-6, 0.9e9), a_link(1, 2, 80e-6, 0.8e9)}).verdict,
            Verdict::pass);
  EXPECT_THAT(judge_links(facts, {good, a_link(0, 2, 6e-3, 1e9)}).advice,
              ElementsAre(HasSubstr("between rank 0 (n1) and rank 2 (n3): round trip 6.0 ms")));
  EXPECT_THAT(judge_links(facts, {good, a_link(1, 2, 50e-6, 90e6)}).advice,
              ElementsAre(HasSubstr(
                  "between rank 1 (n2) and rank 2 (n3): round trip 50 us (slowest 50 us), 90 MB/s")));
  LinkReading wrong = good;
  wrong.is_whole = false;
  EXPECT_EQ(judge_links(facts, {wrong}).verdict, Verdict::fail);
}

TEST(JudgeLinks, OfOneHostAreNotComparedWithANetwork) {
  const std::vector<RankFacts> facts = {a_rank(0, "n1"), a_rank(1, "n1")};
  EXPECT_EQ(judge_links(facts, {a_link(0, 1, 8e-3, 20e6)}).verdict, Verdict::pass);
}

TEST(JudgeClocks, AllowsWhatTheLinkLeavesOpen) {
  const std::vector<RankFacts> facts = {a_rank(0, "n1"), a_rank(1, "n2")};
  LinkReading link = a_link(0, 1, 0.4, 1e6);
  link.clock_ahead_s = -1.1;
  EXPECT_EQ(judge_clocks(facts, {link}).verdict, Verdict::pass);  // 0.9 s is certain
  link.clock_ahead_s = -1.3;
  EXPECT_THAT(judge_clocks(facts, {link}).advice,
              ElementsAre(HasSubstr("the clock of n2 is 1.3 s behind that of n1")));
  link.clock_ahead_s = 90;
  EXPECT_THAT(judge_clocks(facts, {link}).advice, ElementsAre(HasSubstr("is 90.0 s ahead of that of n1")));
}

TEST(DoctorReport, CountsAndTellsWhatToDo) {
  Finding bad{.found = "f"};
  bad.warn("first");
  bad.fail("second");
  EXPECT_EQ(bad.verdict, Verdict::fail);
  const std::vector<Row> rows = {
      {"good", {.found = "fine"}, 1.0}, {"bad", bad, 0.5}, {"gone", skipped("none"), 0}};
  EXPECT_EQ(table_line(rows[0]), "good              pass     fine");
  EXPECT_EQ(table_line(rows[1]), "bad               FAIL     f");
  EXPECT_EQ(table_foot(rows),
            "\nFAIL bad: first\n\nFAIL bad: second\n\n1 passed, 0 warned, 1 failed, 1 skipped in 1.5 s");
  EXPECT_EQ(failed_checks(rows), "bad");
  EXPECT_EQ(row_json(rows[1]),
            R"({"check":"bad","verdict":"fail","found":"f","advice":["first","second"],"seconds":0.5})");
}

}  // namespace
}  // namespace reckon::doctor
