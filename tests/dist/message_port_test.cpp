#include "reckon/dist/message_port.h"

#include <gmock/gmock.h>
#include <mpi.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>

#include "dist/mpi_message_port.h"
#include "support/mpi_world.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// Of any length, also none; the longer ones do not fit into a head.
std::string text_of(int from, int to, int number) {
  constexpr std::size_t kLengths[] = {0, 1, 1024, 1025, 70000, 300000, 3};
  const auto pick = static_cast<std::size_t>(from * 5 + to * 3 + number);
  std::string text(kLengths[pick % std::size(kLengths)], '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(pick * 31 + i % 251);
  return text;
}

std::string name(int rank) {
  return "rank " + std::to_string(rank) + " (" + host_name() + ")";
}

class Port : public ::testing::Test {
 protected:
  Communicator& world = testing::mpi_world();
};

TEST_F(Port, BringsMessagesOfAChannelInTheirOrder) {
  const auto port = make_message_port(world);
  constexpr int kNumMessages = 60;
  constexpr Channel kChannels[] = {Channel::control, Channel::groups, Channel::weights};
  for (int number = 0; number < kNumMessages; ++number) {
    for (int to = 0; to < world.size(); ++to) {
      for (const Channel channel : kChannels) port->send(to, channel, text_of(world.rank(), to, number));
    }
  }
  for (const Channel channel : kChannels) {
    std::vector<int> next(static_cast<std::size_t>(world.size()));
    std::uint64_t bytes = 0;
    for (int i = 0; i < kNumMessages * world.size(); ++i) {
      const Message message = port->wait(channel, "what was sent");
      int& number = next[static_cast<std::size_t>(message.from)];
      ASSERT_EQ(message.bytes, text_of(message.from, world.rank(), number++));
      bytes += message.bytes.size();
    }
    EXPECT_THAT(next, ::testing::Each(kNumMessages));
    EXPECT_EQ(port->bytes_received(channel), bytes);
    EXPECT_EQ(port->receive(channel), std::nullopt);
  }
}

TEST_F(Port, GoesOnWhileCollectivesDo) {
  const auto port = make_message_port(world);
  const int next = (world.rank() + 1) % world.size(),
            before = (world.rank() + world.size() - 1) % world.size();
  for (int number = 0; number < 100; ++number) {
    port->send(next, Channel::groups, text_of(world.rank(), next, number));
    std::vector<std::int64_t> one{1};
    world.sum(one);
    ASSERT_EQ(one[0], world.size());
    ASSERT_EQ(port->wait(Channel::groups, "the neighbour").bytes, text_of(before, world.rank(), number));
  }
}

TEST_F(Port, AChannelThatNobodyReadsDoesNotStopAnother) {
  const auto port = make_message_port(world, {.inbox_bytes = 5000});
  const int last = world.size() - 1;
  if (world.rank() == 0) {
    const int num_messages = last == 0 ? 1 : 20;  // a rank alone has the inbox only
    for (int i = 0; i < num_messages; ++i) port->send(last, Channel::weights, std::string(4000, 'w'));
    port->send(last, Channel::control, "go on");
  }
  if (world.rank() == last) {
    EXPECT_EQ(port->wait(Channel::control, "control").bytes, "go on");
    for (int i = 0; i < (last == 0 ? 1 : 20); ++i) {
      EXPECT_EQ(port->wait(Channel::weights, "weights").bytes, std::string(4000, 'w'));
    }
  }
}

TEST_F(Port, ATextOfManyMegabytesComes) {
  const auto port = make_message_port(world);
  std::string large(std::size_t{64} << 20, '\0');
  for (std::size_t i = 0; i < large.size(); i += 4093) large[i] = static_cast<char>(i / 4093);
  if (world.rank() == 0) port->send(world.size() - 1, Channel::weights, large);
  if (world.rank() == world.size() - 1) {
    EXPECT_TRUE(port->wait(Channel::weights, "64 MB").bytes == large);
  }
  port->flush();
  EXPECT_EQ(port->bytes_sent(Channel::weights), world.rank() == 0 ? large.size() : 0);
}

TEST_F(Port, PassesOnWhileTheRankBetweenComputes) {
  if (world.size() < 4) GTEST_SKIP() << "needs four ranks";
  // Rank 1 makes no call until rank 3 has the messages, and learns of it by a file.
  testing::TempDir folder;
  std::string path = folder.path().string();
  const std::vector<std::string> paths = world.all_gather(path);
  const std::filesystem::path file = std::filesystem::path(paths[0]) / "arrived";
  const auto port = make_message_port(world);
  const std::string large(1 << 20, 'v');
  if (world.rank() == 0) {
    const std::vector<int> route{2, 1, 3};
    for (const char* text : {"first", "second"}) port->send_along(route, Channel::weights, text);
    port->send_along(route, Channel::weights, large);
  } else {
    if (world.rank() == 1) {
      for (int i = 0; i < 4000 && !std::filesystem::exists(file); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      EXPECT_TRUE(std::filesystem::exists(file));
    }
    for (const std::string& text : {std::string("first"), std::string("second"), large}) {
      const Message message = port->wait(Channel::weights, "weights");
      EXPECT_EQ(message.from, 0);
      EXPECT_TRUE(message.bytes == text) << message.bytes.substr(0, 10);
    }
    if (world.rank() == 3) testing::write_text(file, "yes");
  }
  // Each link carried it once.
  const std::uint64_t all = large.size() + 11;
  EXPECT_EQ(port->bytes_sent(Channel::weights), world.rank() == 3 ? 0 : all);
  EXPECT_EQ(port->bytes_received(Channel::weights), world.rank() == 0 ? 0 : all);
  world.barrier();  // the folder of rank 0 stays until then
}

TEST_F(Port, ASenderWaitsForARankThatDoesNotRead) {
  if (world.size() == 1) GTEST_SKIP() << "needs two ranks";
  const auto port = make_message_port(world, {.inbox_bytes = 20000, .outbox_bytes = 30000});
  const std::string text(2000, 'm');
  int num_sent = 0;
  if (world.rank() == 0) {
    const double timeout = world.timeout();
    world.set_timeout(0.3);
    const auto flood = [&] {
      for (; num_sent < 1000; ++num_sent) port->send(1, Channel::groups, text);
    };
    EXPECT_THAT(flood, ThrowsMessage<Error>("messages on channel groups: waited 0.3 s for " + name(1) +
                                            " to take them"));
    EXPECT_THAT([&] { port->flush(); }, ThrowsMessage<Error>(HasSubstr(name(1))));
    world.set_timeout(timeout);
    // Nine messages of 2064 B in the inbox, one whose head was looked at, fourteen in the outbox.
    EXPECT_LE(num_sent, 24);
    EXPECT_GE(num_sent, 14);
  }
  world.barrier();
  if (world.rank() == 1) {
    EXPECT_LE(port->bytes_received(Channel::groups), 20000U);
    world.broadcast(std::as_writable_bytes(std::span(&num_sent, 1)), 0);
    for (int i = 0; i < num_sent + 100; ++i) EXPECT_EQ(port->wait(Channel::groups, "groups").bytes, text);
  } else {
    world.broadcast(std::as_writable_bytes(std::span(&num_sent, 1)), 0);
    for (int i = 0; world.rank() == 0 && i < 100; ++i) port->send(1, Channel::groups, text);
  }
}

TEST_F(Port, AMessageLargerThanTheBoundsIsLetInAlone) {
  const auto port = make_message_port(world, {.inbox_bytes = 10, .outbox_bytes = 10});
  const int next = (world.rank() + 1) % world.size();
  for (int i = 0; i < 3; ++i) {
    port->send(next, Channel::groups, std::string(5000, 'x'));
    EXPECT_EQ(port->wait(Channel::groups, "groups").bytes.size(), 5000U);
  }
}

TEST_F(Port, AWaitHasADeadlineAndSaysWhatFor) {
  const auto port = make_message_port(world);
  EXPECT_THAT([&] { (void)port->wait(Channel::groups, "groups of step 12 from rank 3 (node2)", 0.05); },
              ThrowsMessage<Error>("waited 0.05 s for groups of step 12 from rank 3 (node2)"));
  EXPECT_EQ(port->wait_for(Channel::groups, 0.01), std::nullopt);
}

TEST_F(Port, WakeEndsAWaitNowOrTheNextOne) {
  const auto port = make_message_port(world);
  constexpr double kLong = 1e6;  // the test would not end
  port->wake(Channel::groups);
  EXPECT_EQ(port->wait_for(Channel::groups, kLong), std::nullopt);
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    port->wake(Channel::groups);
  });
  EXPECT_EQ(port->wait_for(Channel::groups, kLong), std::nullopt);
  waker.join();
  port->send(world.rank(), Channel::groups, "to myself");
  const std::optional<Message> message = port->wait_for(Channel::groups, kLong);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->from, world.rank());
  EXPECT_EQ(message->bytes, "to myself");
}

TEST_F(Port, ARankThatDoesNotReadItsOwnMessagesIsTold) {
  const auto port = make_message_port(world, {.inbox_bytes = 100});
  const double timeout = world.timeout();
  port->send(world.rank(), Channel::control, "a");
  world.set_timeout(0.05);
  EXPECT_THAT(
      [&] { port->send(world.rank(), Channel::control, "b"); },
      ThrowsMessage<Error>("message on channel control: waited 0.05 s for this rank to read its own"));
  world.set_timeout(timeout);
}

TEST_F(Port, RefusesRanksThatAreNot) {
  const auto port = make_message_port(world);
  const std::string last = std::to_string(world.size() - 1);
  EXPECT_THAT([&] { port->send(-1, Channel::control, ""); },
              ThrowsMessage<Error>("message to rank -1 (need 0 to " + last + ")"));
  EXPECT_THAT(
      [&] { port->send(world.size(), Channel::control, ""); },
      ThrowsMessage<Error>("message to rank " + std::to_string(world.size()) + " (need 0 to " + last + ")"));
  const std::vector<int> own{world.rank()};
  EXPECT_THAT([&] { port->send_along(own, Channel::control, ""); },
              ThrowsMessage<Error>(StartsWith("message along a route: ")));
  if (world.size() == 1) return;
  const int next = (world.rank() + 1) % world.size();
  const std::vector<int> twice{next, next};
  EXPECT_THAT([&] { port->send_along(twice, Channel::control, ""); },
              ThrowsMessage<Error>("message along a route: comes twice to rank " + std::to_string(next) +
                                   " (need each rank once, and not the sender)"));
}

TEST_F(Port, IsOfAnyRanks) {
  const auto half = world.split(world.rank() % 2);
  const auto port = make_message_port(*half);
  const int next = (half->rank() + 1) % half->size();
  port->send(next, Channel::control, std::to_string(world.rank()));
  const int before = (half->rank() + half->size() - 1) % half->size();
  EXPECT_EQ(port->wait(Channel::control, "the neighbour").bytes,
            std::to_string(before * 2 + world.rank() % 2));
}

TEST(RequireThreads, RefusesLessThanAll) {
  EXPECT_NO_THROW(require_threads(MPI_THREAD_MULTIPLE));
  try {
    require_threads(MPI_THREAD_SERIALIZED);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    EXPECT_THAT(error.what(), HasSubstr("MPI: gives thread support 2 (need 3, MPI_THREAD_MULTIPLE)"));
  }
}

}  // namespace
}  // namespace reckon
