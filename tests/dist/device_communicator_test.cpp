#include "reckon/dist/device_communicator.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::ThrowsMessage;

TEST(SerialDeviceCommunicator, LeavesTheTensorsAsTheyAre) {
  const auto alone = make_serial_device_communicator();
  EXPECT_EQ(alone->rank(), 0);
  EXPECT_EQ(alone->size(), 1);
  std::vector<float> values{1.5F, -2.0F};
  alone->all_reduce_sum(values.data(), 2, "a", nullptr);
  alone->reduce_scatter_sum(values.data(), 2, "b", nullptr);
  alone->reduce_sum(values.data(), 2, 0, "e", nullptr);
  alone->broadcast(values.data(), 8, 0, "c", nullptr);
  alone->all_gather(values.data(), 8, "d", nullptr);
  alone->wait("b");
  alone->wait_all();
  EXPECT_THAT(values, ElementsAre(1.5F, -2.0F));
}

TEST(SerialDeviceCommunicator, RefusesTheWaitThatNothingIsUnderWayFor) {
  const auto alone = make_serial_device_communicator();
  alone->all_reduce_sum(nullptr, 0, "grad", nullptr);
  EXPECT_THAT([&] { alone->wait("grd"); },
              ThrowsMessage<std::logic_error>("wait: no collective of \"grd\" is under way"));
  alone->wait("grad");
  EXPECT_THROW(alone->wait("grad"), std::logic_error);
}

TEST(SerialDeviceCommunicator, RefusesARootThatIsNoRank) {
  const auto alone = make_serial_device_communicator();
  EXPECT_THAT([&] { alone->broadcast(nullptr, 0, 1, "w", nullptr); },
              ThrowsMessage<std::invalid_argument>("broadcast: root 1 is not a rank (need 0 to 0)"));
  EXPECT_THAT([&] { alone->reduce_sum(nullptr, 0, -1, "w", nullptr); },
              ThrowsMessage<std::invalid_argument>("reduce: root -1 is not a rank (need 0 to 0)"));
}

}  // namespace
}  // namespace reckon
