// The hosts of tests/support/hosts.sh and the links between them do what tests believe of them.
#include <gmock/gmock.h>

#include <cstdlib>
#include <sstream>

#include "hosts/hosts.h"
#include "support/link_model.h"
#include "support/processes.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::Hosts;
using testing::LinkModel;

TEST(LinkModel, DelaysByItsDelay) {
  LinkModel link({.delay_s = 0.2});
  EXPECT_DOUBLE_EQ(link.carry(1500, 10.0).value(), 10.2);
  EXPECT_DOUBLE_EQ(link.carry(60, 10.0).value(), 10.2);
}

TEST(LinkModel, SendsFramesOneBehindTheOther) {
  LinkModel link({.delay_s = 0.5, .bytes_per_s = 1000});
  EXPECT_DOUBLE_EQ(link.carry(100, 10.0).value(), 10.6);   // sent from 10.0 to 10.1
  EXPECT_DOUBLE_EQ(link.carry(100, 10.0).value(), 10.7);   // from 10.1
  EXPECT_DOUBLE_EQ(link.carry(100, 11.0).value(), 11.6);   // the link was free
  EXPECT_DOUBLE_EQ(link.carry(2000, 11.0).value(), 13.6);  // from 11.1 to 13.1
  EXPECT_FALSE(link.carry(100, 12.0).has_value());         // would wait for longer than a second
  EXPECT_TRUE(link.carry(100, 12.2).has_value());
}

// 100,000 frames at 1 %: the deviation of the count is 31.5.
TEST(LinkModel, LosesItsShareOfTheFramesAndTheSameOnesForOneSeed) {
  const auto lost = [](std::uint64_t seed) {
    LinkModel link({.loss = 0.01, .seed = seed});
    std::vector<int> frames;
    for (int i = 0; i < 100'000; ++i) {
      if (!link.carry(100, i)) frames.push_back(i);
    }
    return frames;
  };
  EXPECT_THAT(lost(1).size(), ::testing::AllOf(::testing::Ge(870U), ::testing::Le(1130U)));
  EXPECT_EQ(lost(1), lost(1));
  EXPECT_NE(lost(1), lost(2));
}

TEST(LinkModel, CarriesNothingWhileItIsCut) {
  LinkModel link({});
  link.set_cut(true);
  EXPECT_FALSE(link.carry(100, 1.0).has_value());
  link.set_cut(false);
  EXPECT_TRUE(link.carry(100, 2.0).has_value());
}

/// Sends datagrams to an echo on node2 of the hosts, and prints how many came back and how long the
/// fastest took.
constexpr const char* kEcho = R"(
cat >"$STATE/echo.py" <<'PYTHON'
import socket, sys, time
side, count, wait = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if side == "answer":
    s.bind(("10.77.0.2", 7000))
    open(sys.argv[4], "w").close()
    while True:
        data, sender = s.recvfrom(2048)
        s.sendto(data, sender)
s.settimeout(wait)
back, fastest = 0, 1e9
for i in range(count):
    sent = time.monotonic()
    s.sendto(b"%d" % i, ("10.77.0.2", 7000))
    try:
        while int(s.recv(2048)) != i: pass
        back, fastest = back + 1, min(fastest, time.monotonic() - sent)
    except socket.timeout: pass
print(back, round(fastest * 1e3))
PYTHON
on 2 python3 "$STATE/echo.py" answer 0 0 "$STATE/bound" &
until [ -e "$STATE/bound" ]; do sleep 0.01; done
ping() { on 1 python3 "$STATE/echo.py" ask "$1" "$2"; }
)";

class HostsTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  Hosts hosts{.folder = folder.path()};
  void SetUp() override {
    if (!testing::has_hosts()) GTEST_SKIP() << "no right to make network namespaces";
  }
};

TEST_F(HostsTest, HaveNamesAddressesAndFilesInCommon) {
  const auto run = hosts.run("for node in 1 2 3; do on $node hostname; done; on 2 cat /etc/hosts");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.output,
            "node1\nnode2\nnode3\n"
            "127.0.0.1 localhost\n10.77.0.1 node1\n10.77.0.2 node2\n10.77.0.3 node3\n");
}

TEST_F(HostsTest, RanksOfMpirunAreSpreadOverThem) {
  const auto run = hosts.run("across 2 sh -c 'echo $(hostname) $OMPI_COMM_WORLD_RANK' | sort");
  EXPECT_EQ(run.output, "node1 0\nnode1 1\nnode2 2\nnode2 3\nnode3 4\nnode3 5\n");
}

TEST_F(HostsTest, EndWithAllTheirProcessesWhenTheScriptEnds) {
  const std::string mark = folder.path().string() + "-left";
  const auto run = hosts.run("on 2 sh -c 'sleep 1000; : " + mark + "' & sleep 0.1; pids_on 2 " + mark +
                             " | wc -l; pids_on 1 " + mark + "; exit 5");
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.output, HasSubstr("1\n"));
  EXPECT_TRUE(testing::all_gone(mark));
}

TEST_F(HostsTest, EndWithAllTheirProcessesWhereTheyAreStopped) {
  const std::string mark = folder.path().string() + "-left";
  testing::write_text(folder.path() / "sleep.sh", "on 2 sh -c 'sleep 1000; : " + mark + "' & touch " +
                                                      folder.path().string() + "/up; wait");
  const auto run =
      testing::run_command((testing::source_dir() / "tests/support/hosts.sh").string() + " " +
                           folder.path().string() + "/sleep.sh & job=$!; until [ -e " +
                           folder.path().string() + "/up ]; do sleep 0.01; done; kill $job; wait $job");
  EXPECT_EQ(run.exit_code, 143) << run.output;
  EXPECT_TRUE(testing::all_gone(mark));
}

TEST_F(HostsTest, ALinkDelaysBothWays) {
  hosts.number = 2;
  hosts.links = "-l '2:--delay-ms 200'";
  const auto run = hosts.run(std::string(kEcho) + "ping 2 5");
  std::istringstream words(run.output);
  int back = 0, fastest_ms = 0;
  words >> back >> fastest_ms;
  EXPECT_EQ(back, 2) << run.output;
  EXPECT_GE(fastest_ms, 400) << run.output;
  EXPECT_LT(fastest_ms, 2000) << run.output;
}

// Each datagram passes the link twice: 0.1 of 10 % are lost. 300 datagrams at 0.19: 57, deviation 6.8.
TEST_F(HostsTest, ALinkLosesFrames) {
  hosts.number = 2;
  hosts.links = "-l '2:--loss 0.1 --seed 3'";
  const auto run = hosts.run(std::string(kEcho) + "ping 300 0.02");
  const int back = std::atoi(run.output.c_str());
  EXPECT_GE(back, 300 - 57 - 30) << run.output;
  EXPECT_LE(back, 300 - 57 + 30) << run.output;
}

TEST_F(HostsTest, ALinkIsCutAndMended) {
  hosts.number = 2;
  const std::string script = std::string(kEcho) + "ping 3 1; cut 2; ping 3 0.1; mend 2; ping 3 1";
  const auto expect_cut = [&] {
    const auto run = hosts.run(script);
    std::istringstream lines(run.output);
    std::vector<int> back;
    for (std::string line; std::getline(lines, line);) back.push_back(std::atoi(line.c_str()));
    EXPECT_THAT(back, ::testing::ElementsAre(3, 0, 3)) << run.output;
  };
  expect_cut();
  hosts.links = "-l '2:--delay-ms 1'";
  expect_cut();
}

TEST(LinkForwarder, RefusesWhatItDoesNotKnow) {
  const std::string program = (testing::binary_dir() / "tests/link_forwarder").string();
  for (const char* arguments : {"", "a b --delay-ms", "a b --delay-ms x", "a b --loss 2", "a b --fast 1"})
    EXPECT_EQ(testing::run_command(program + " " + arguments).exit_code, 2) << arguments;
}

}  // namespace
}  // namespace reckon
