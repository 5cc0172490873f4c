#include <gmock/gmock.h>

#include <stdexcept>

#include "reckon/cuda/runtime.h"
#include "reckon/dist/device_communicator.h"
#include "support/mpi_world.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;

class StagedCommunicator : public ::testing::Test {
 protected:
  Communicator& world = testing::mpi_world();
  std::unique_ptr<DeviceCommunicator> devices = make_staged_device_communicator(world);
  int rank = world.rank();
  int size = world.size();

  /// Sums over the ranks of rank + 1, and of its square.
  [[nodiscard]] float ranks_sum() const { return static_cast<float>(size * (size + 1) / 2); }

  [[nodiscard]] static cuda::DeviceArray<float> on_device(const std::vector<float>& values) {
    cuda::DeviceArray<float> array;
    array.upload(values);
    return array;
  }
};

TEST_F(StagedCommunicator, SumsOverTheRanksAlsoWhatIsLongerThanAChunk) {
  const std::size_t count = (std::size_t{1} << 20) + 3;
  std::vector<float> values(count, static_cast<float>(rank + 1));
  values.back() = static_cast<float>(10 * (rank + 1));
  cuda::DeviceArray<float> array = on_device(values);
  devices->all_reduce_sum(array.data(), count, "grad", nullptr);
  devices->wait("grad");
  const std::vector<float> sums = array.download();
  EXPECT_EQ(sums.front(), ranks_sum());
  EXPECT_EQ(sums[count - 2], ranks_sum());
  EXPECT_EQ(sums.back(), 10 * ranks_sum());
}

TEST_F(StagedCommunicator, TheRootGetsTheSum) {
  for (int root = 0; root < size; ++root) {
    cuda::DeviceArray<float> array = on_device({static_cast<float>(rank + 1), -2.0f});
    devices->reduce_sum(array.data(), 2, root, "grad", nullptr);
    devices->wait("grad");
    const std::vector<float> sums = array.download();
    if (rank == root) {
      EXPECT_THAT(sums, ElementsAre(ranks_sum(), -2.0f * static_cast<float>(size)));
    }
  }
}

TEST_F(StagedCommunicator, EveryRankGetsTheRootsBytesAndEveryPart) {
  cuda::DeviceArray<float> array = on_device({static_cast<float>(rank), 7.0f});
  devices->broadcast(array.data(), 2 * sizeof(float), size - 1, "w", nullptr);
  EXPECT_THAT(array.download(), ElementsAre(static_cast<float>(size - 1), 7.0f));

  std::vector<float> parts(static_cast<std::size_t>(size), -1.0f);
  parts[static_cast<std::size_t>(rank)] = static_cast<float>(rank * rank);
  cuda::DeviceArray<float> gathered = on_device(parts);
  devices->all_gather(gathered.data(), sizeof(float), "parts", nullptr);
  const std::vector<float> all = gathered.download();
  for (std::size_t r = 0; r < all.size(); ++r) EXPECT_EQ(all[r], static_cast<float>(r * r));
  devices->wait_all();
}

TEST_F(StagedCommunicator, ARankGetsTheSumOfItsPart) {
  std::vector<float> values(static_cast<std::size_t>(size));
  for (std::size_t r = 0; r < values.size(); ++r)
    values[r] = static_cast<float>((rank + 1) * static_cast<int>(r + 1));
  cuda::DeviceArray<float> array = on_device(values);
  devices->reduce_scatter_sum(array.data(), 1, "grad", nullptr);
  devices->wait("grad");
  EXPECT_EQ(array.download()[static_cast<std::size_t>(rank)], ranks_sum() * static_cast<float>(rank + 1));
}

TEST_F(StagedCommunicator, RefusesTheWaitThatNothingIsUnderWayFor) {
  EXPECT_THROW(devices->wait("grad"), std::logic_error);
}

}  // namespace
}  // namespace reckon
