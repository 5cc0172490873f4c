// The emulator itself: that it computes what CUDA's words mean, and finds what it is there to find.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "every_order.h"
#include "launch.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The message of the std::logic_error that a launch ends with.
template <class Launch>
std::string failure_of(const Launch& launch_it) {
  try {
    launch_it();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "no error";
}

void write_sums(float* out) {
  const auto value = static_cast<float>(threadIdx.x + 1);
  const float sum = block_sum(value, shared_memory<float>());
  const float most = block_max(value, shared_memory<float>());
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum + most;
}

TEST_P(EveryOrder, ABlockSumsAndFindsTheLargest) {
  std::vector<float> out(3 * 96);
  launch("write_sums", write_sums, {.grid = {3}, .threads = 96, .shared_bytes = 64}, nullptr, out.data());
  EXPECT_THAT(out, ::testing::Each(96 * 97 / 2 + 96));
}

void sum_cluster(float* out) {
  float* mine = shared_memory<float>();
  if (threadIdx.x == 0) *mine = static_cast<float>(10 * blockIdx.x + cluster_rank());
  cluster_sync();
  float sum = 0;
  for (unsigned rank = 0; rank < cluster_size(); ++rank) sum += *in_cluster_block(mine, rank);
  cluster_sync();
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

TEST_P(EveryOrder, BlocksOfAClusterReadEachOthersSharedMemory) {
  std::vector<float> out(4);
  launch("sum_cluster", sum_cluster, {.grid = {4}, .threads = 32, .cluster = 2, .shared_bytes = 16}, nullptr,
         out.data());
  EXPECT_THAT(out, ElementsAre(11, 11, 51, 51));
}

void multiply(const bf16* a, const bf16* b, float* d) {
  // a [16, 16] and b [16, 8] row-major
  const unsigned g = threadIdx.x / 4;
  const unsigned t = threadIdx.x % 4;
  const auto pair = [](bf16 lo, bf16 hi) {
    return static_cast<std::uint32_t>(lo.bits) | static_cast<std::uint32_t>(hi.bits) << 16;
  };
  const auto a_pair = [&](unsigned row, unsigned k) { return pair(a[row * 16 + k], a[row * 16 + k + 1]); };
  const auto b_pair = [&](unsigned k, unsigned column) {
    return pair(b[k * 8 + column], b[(k + 1) * 8 + column]);
  };
  const std::uint32_t fa[4] = {a_pair(g, 2 * t), a_pair(g + 8, 2 * t), a_pair(g, 2 * t + 8),
                               a_pair(g + 8, 2 * t + 8)};
  const std::uint32_t fb[2] = {b_pair(2 * t, g), b_pair(2 * t + 8, g)};
  float sums[4] = {1, 1, 1, 1};
  mma_bf16(sums, fa, fb);
  for (unsigned i = 0; i < 4; ++i) d[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = sums[i];
}

TEST_P(EveryOrder, TheTensorCoreProductAddsToItsSums) {
  std::vector<bf16> a(256), b(128);
  for (int i = 0; i < 256; ++i) a[static_cast<std::size_t>(i)] = to_bf16(static_cast<float>(i % 7 - 3));
  for (int i = 0; i < 128; ++i) b[static_cast<std::size_t>(i)] = to_bf16(static_cast<float>(i % 5 - 2));
  std::vector<float> d(128), expected(128, 1.0f);
  launch("multiply", multiply, {.grid = {1}, .threads = 32}, nullptr, a.data(), b.data(), d.data());
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      for (std::size_t k = 0; k < 16; ++k)
        expected[i * 8 + j] += to_float(a[i * 16 + k]) * to_float(b[k * 8 + j]);
    }
  }
  EXPECT_EQ(d, expected);
}

void load_transposed(const bf16* from, std::uint32_t* plain, std::uint32_t* transposed) {
  auto* tile = shared_memory<std::uint16_t>();
  for (unsigned i = 0; i < 8; ++i) tile[threadIdx.x * 8 + i] = from[threadIdx.x * 8 + i].bits;
  __syncthreads();
  std::uint32_t words[4];
  load_matrices(words, tile + threadIdx.x * 8);
  for (unsigned i = 0; i < 4; ++i) plain[threadIdx.x * 4 + i] = words[i];
  load_matrices_transposed(words, tile + threadIdx.x * 8);
  for (unsigned i = 0; i < 4; ++i) transposed[threadIdx.x * 4 + i] = words[i];
}

TEST_P(EveryOrder, MatricesAreLoadedPlainAndTransposed) {
  std::vector<bf16> from(256);
  for (std::uint16_t i = 0; i < 256; ++i) from[i].bits = i;
  std::vector<std::uint32_t> plain(128), transposed(128);
  launch("load_transposed", load_transposed, {.grid = {1}, .threads = 32, .shared_bytes = 512}, nullptr,
         from.data(), plain.data(), transposed.data());
  // Lane 6 holds row 1, columns 4 and 5: of matrix 2 these are values 128 + 12, 13; transposed, (4, 1) and
  // (5, 1).
  EXPECT_EQ(plain[6 * 4 + 2], 140U | 141U << 16);
  EXPECT_EQ(transposed[6 * 4 + 2], (128U + 33) | (128U + 41) << 16);
}

void find_largest(const std::uint32_t* a, const std::uint32_t* b, std::uint32_t* out) {
  out[threadIdx.x] = max_bf16x2(a[threadIdx.x], b[threadIdx.x]);
}

TEST_P(EveryOrder, TheLargerOfTwoBfloat16IsFoundInEachHalf) {
  // (2, -1) and (-2, 1); NaN wins on either side; +0 is above -0; -inf.
  const std::vector<std::uint32_t> a{0xbf804000, 0x3f807fc0, 0x00008000, 0xff80ff80};
  const std::vector<std::uint32_t> b{0x3f80c000, 0xffff3f80, 0x80000000, 0xff803f80};
  std::vector<std::uint32_t> out(4);
  launch("find_largest", find_largest, {.grid = {1}, .threads = 4}, nullptr, a.data(), b.data(), out.data());
  EXPECT_THAT(out, ElementsAre(0x3f804000U, 0x7fff7fffU, 0x00000000U, 0xff803f80U));
}

void load_in_bulk(const float* from, float* out) {
  float* tile = shared_memory<float>();
  auto* barrier = reinterpret_cast<BulkBarrier*>(tile + 64);
  if (threadIdx.x == 0) barrier_init(barrier);
  __syncthreads();
  for (unsigned round = 0; round < 3; ++round) {
    if (threadIdx.x == 0) {
      barrier_expect(barrier, 256);
      bulk_load(tile, from + 64 * round, 256, barrier);
    }
    barrier_wait(barrier, round % 2);
    out[64 * round + threadIdx.x] = tile[threadIdx.x];
    fence_before_bulk();
    __syncthreads();
  }
}

TEST_P(EveryOrder, BulkCopiesArriveInTheirPhase) {
  alignas(16) static float from[192];
  for (int i = 0; i < 192; ++i) from[i] = static_cast<float>(i);
  std::vector<float> out(192);
  launch("load_in_bulk", load_in_bulk, {.grid = {1}, .threads = 64, .shared_bytes = 272}, nullptr, from,
         out.data());
  EXPECT_THAT(out, ::testing::ElementsAreArray(from));
}

void forget_to_wait(const float* from, float* out) {
  float* tile = shared_memory<float>();
  copy16_async(tile, from);
  commit_copies();
  out[0] = tile[0];
  wait_copies<0>();
  out[1] = tile[0];
}

TEST(Emulator, ACopyIsNotThereBeforeItsWait) {
  alignas(16) static const float from[4] = {5, 6, 7, 8};
  std::vector<float> out(2);
  launch("forget_to_wait", forget_to_wait, {.grid = {1}, .threads = 1, .shared_bytes = 16}, nullptr, from,
         out.data());
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 5);
}

void copy_too_early(const float* from, float* out) {
  float* tile = shared_memory<float>();
  if (threadIdx.x < 4) tile[threadIdx.x] = 1;
  __syncthreads();
  // No barrier between the last reader and the copy.
  out[threadIdx.x] = tile[threadIdx.x % 4];
  if (threadIdx.x == 0) copy16_async(tile, from);
  commit_copies();
  __syncthreads();
  wait_copies<0>();
}

TEST(Emulator, ACopyMayArriveWhileOthersRead) {
  alignas(16) static const float from[4] = {5, 6, 7, 8};
  const auto run = [](emulator::Order order) {
    std::vector<float> out(64);
    emulator::set_order(order);
    launch("copy_too_early", copy_too_early, {.grid = {1}, .threads = 64, .shared_bytes = 16}, nullptr, from,
           out.data());
    emulator::set_order(emulator::Order::forward);
    return out;
  };
  EXPECT_THAT(run(emulator::Order::forward), ::testing::Each(1));
  EXPECT_THAT(run(emulator::Order::warp_ahead), ::testing::Contains(5));
}

void copy_or_zero(const float* from, float* out) {
  float* tile = shared_memory<float>();
  copy16_async_or_zero(tile, from, true);
  copy16_async_or_zero(tile + 4, nullptr, false);
  commit_copies();
  wait_copies<0>();
  for (unsigned i = 0; i < 8; ++i) out[i] = tile[i];
}

TEST(Emulator, ACopyThatIsNotWantedGivesZeros) {
  alignas(16) static const float from[4] = {5, 6, 7, 8};
  std::vector<float> out(8);
  launch("copy_or_zero", copy_or_zero, {.grid = {1}, .threads = 1, .shared_bytes = 32}, nullptr, from,
         out.data());
  EXPECT_THAT(out, ElementsAre(5, 6, 7, 8, 0, 0, 0, 0));
}

void race(float* out) {
  float* value = shared_memory<float>();
  if (threadIdx.x == 0) *value = 3;
  // No barrier.
  if (threadIdx.x == 63) *out = *value;
}

TEST(Emulator, AMissingBarrierShowsInAnotherOrder) {
  float out = 0;
  launch("race", race, {.grid = {1}, .threads = 64, .shared_bytes = 4}, nullptr, &out);
  EXPECT_EQ(out, 3);
  emulator::set_order(emulator::Order::reverse);
  launch("race", race, {.grid = {1}, .threads = 64, .shared_bytes = 4}, nullptr, &out);
  emulator::set_order(emulator::Order::forward);
  EXPECT_TRUE(std::isnan(out));
}

/// Two sums that use the same place, with nothing between the last reader of the first and the writer of the
/// second.
void sum_twice(float* out) {
  float* place = shared_memory<float>();
  float total = 0;
  for (unsigned round = 0; round < 2; ++round) {
    const float sum = warp_sum(1.0f);
    if (threadIdx.x % kWarp == 0) place[threadIdx.x / kWarp] = sum + static_cast<float>(100 * round);
    __syncthreads();
    total += place[0] + place[1];
    (void)warp_sum(total);  // the other threads of the warp have read, too
  }
  out[threadIdx.x] = total;
}

TEST(Emulator, AMissingBarrierBetweenReductionsShowsWhereAWarpRunsAhead) {
  std::vector<float> out(64);
  const auto all_right = [&] {
    launch("sum_twice", sum_twice, {.grid = {1}, .threads = 64, .shared_bytes = 8}, nullptr, out.data());
    return std::all_of(out.begin(), out.end(), [](float value) { return value == 64 + 264; });
  };
  EXPECT_TRUE(all_right());
  emulator::set_order(emulator::Order::warp_ahead);
  const bool ahead = all_right();
  emulator::set_order(emulator::Order::forward);
  EXPECT_FALSE(ahead);
}

void copy_over_what_is_read(const float* from, float* out) {
  float* tile = shared_memory<float>();
  if (threadIdx.x == 0) *tile = 3;
  __syncthreads();
  if (threadIdx.x % kWarp == 0) out[threadIdx.x / kWarp] = *tile;
  // No barrier.
  if (threadIdx.x == 0) copy16_async(tile, from);
  commit_copies();
  __syncthreads();
  wait_copies<0>();
}

TEST(Emulator, ACopyOverWhatOthersReadShowsWhereAWarpRunsAhead) {
  alignas(16) static const float from[4] = {5, 6, 7, 8};
  std::vector<float> out(2);
  const auto run = [&] {
    launch("copy_over", copy_over_what_is_read, {.grid = {1}, .threads = 64, .shared_bytes = 16}, nullptr,
           from, out.data());
  };
  run();
  EXPECT_THAT(out, ElementsAre(3, 3));
  emulator::set_order(emulator::Order::warp_ahead);
  run();
  emulator::set_order(emulator::Order::forward);
  EXPECT_THAT(out, ElementsAre(3, 5));
}

void overwrite(float* out) {
  float* value = shared_memory<float>();
  if (threadIdx.x == 0) *value = 3;
  __syncthreads();
  if (threadIdx.x == 0) *out = *value;
  // No barrier, but long after.
  unsigned lane = threadIdx.x;
  for (int i = 0; i < 20; ++i) lane = shuffle(lane, i % 32U);
  if (threadIdx.x == 32) *value = 5;
}

TEST(Emulator, AMissingBarrierShowsWhereAWarpStandsStill) {
  emulator::set_order(emulator::Order::shuffled);
  int overwritten = 0;
  for (int i = 0; i < 200; ++i) {
    float out = 0;
    launch("overwrite", overwrite, {.grid = {1}, .threads = 64, .shared_bytes = 4}, nullptr, &out);
    overwritten += out == 5 ? 1 : 0;
  }
  emulator::set_order(emulator::Order::forward);
  EXPECT_GT(overwritten, 0);
}

void part_ways() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    cluster_sync();
  }
}

TEST(Emulator, ABarrierThatOthersDoNotReachIsAnError) {
  EXPECT_THAT(failure_of([] { launch("part_ways", part_ways, {.grid = {1}, .threads = 64}, nullptr); }),
              HasSubstr("part_ways: threads wait at a barrier that others do not reach"));
}

void misalign(const float* from) {
  (void)load16(from);
}

TEST(Emulator, AMisalignedVectorAccessIsAnError) {
  alignas(16) static const float from[8] = {};
  EXPECT_THAT(
      failure_of([] { launch("misalign", misalign, {.grid = {1}, .threads = 1}, nullptr, from + 1); }),
      HasSubstr("misaligned access of 16 bytes"));
}

void swap_words(const float* from, float* to) {
  const uint2 pair = load8(from);
  store8(to, {pair.y, pair.x});
}

TEST(Emulator, EightBytesAreOneAccess) {
  alignas(16) static const float from[4] = {1, 2, 3, 4};
  alignas(16) float to[4] = {};
  launch("swap_words", swap_words, {.grid = {1}, .threads = 1}, nullptr, from + 2, to);
  EXPECT_THAT(to, ElementsAre(4, 3, 0, 0));
  float* const between = to + 1;
  EXPECT_THAT(failure_of([&] {
                launch("swap_words", swap_words, {.grid = {1}, .threads = 1}, nullptr, from, between);
              }),
              HasSubstr("misaligned access of 8 bytes"));
}

TEST(Emulator, ALaunchThatNoGpuTakesIsAnError) {
  EXPECT_THAT(failure_of([] { launch("race", race, {.grid = {1}, .threads = 2048}, nullptr, nullptr); }),
              HasSubstr("a launch that no GPU takes: 2048 threads"));
  EXPECT_THAT(failure_of([] {
                launch("race", race, {.grid = {1}, .threads = 32, .shared_bytes = 300000}, nullptr, nullptr);
              }),
              HasSubstr("300000 bytes of shared memory"));
}

void add_one(float* value, float by) {
  if (threadIdx.x == 0) *value += by;
}

class EmulatorStreams : public ::testing::Test {
 protected:
  void SetUp() override {
    synchronize(nullptr);  // other tests launch on the default stream, and wait for nothing
  }
};

TEST_F(EmulatorStreams, RecordedWorkKeepsItsArgumentsAndReadsMemoryAnew) {
  const OwnedStream stream;
  DeviceArray<float> value(1);
  value.fill_zero(stream.get());
  RecordedWork work;
  float by = 2;
  work.record(stream.get(), [&] {
    launch("add_one", add_one, {.grid = {1}, .threads = 32}, stream.get(), value.data(), by);
  });
  EXPECT_EQ(value.download(stream.get()).front(), 0);
  by = 100;
  work.launch(stream.get());
  work.launch(stream.get());
  EXPECT_EQ(value.download(stream.get()).front(), 4);
}

TEST_F(EmulatorStreams, WorkOfAStreamIsDoneWhenItIsWaitedFor) {
  const OwnedStream stream;
  DeviceArray<float> value(1);
  std::vector<float> host{1}, back{0};
  value.upload(host, stream.get());
  launch("add_one", add_one, {.grid = {1}, .threads = 32}, stream.get(), value.data(), 1.0f);
  copy_to_host(back.data(), value.data(), sizeof(float), stream.get());
  host[0] = 5;
  EXPECT_EQ(back[0], 0);
  synchronize(stream.get());
  EXPECT_EQ(back[0], 6);
}

TEST_F(EmulatorStreams, ReleasingMemoryWaitsForWorkThatMayUseIt) {
  const OwnedStream stream;
  DeviceArray<float> value(1);
  std::vector<float> back{0};
  value.fill_zero(stream.get());
  copy_to_host(back.data(), value.data(), sizeof(float), stream.get());
  back[0] = 3;
  value = {};
  EXPECT_EQ(back[0], 0);
}

TEST_F(EmulatorStreams, WorkOnAStreamBesideThatOfAnotherIsAnError) {
  constexpr char kNoOrder[] = "work on two streams: nothing orders them";
  const OwnedStream first, second;
  DeviceArray<float> value(1);
  value.fill_zero();
  EXPECT_THAT(failure_of([&] { value.fill_zero(first.get()); }), HasSubstr(kNoOrder));
  synchronize(nullptr);
  value.fill_zero(first.get());
  EXPECT_THAT(failure_of([&] { value.fill_zero(second.get()); }), HasSubstr(kNoOrder));
  EXPECT_THAT(failure_of([&] { value.fill_zero(); }), HasSubstr(kNoOrder));
  synchronize(first.get());
  value.fill_zero(second.get());
}

TEST_F(EmulatorStreams, ARecordingRefusesWhatAGpuRefuses) {
  const OwnedStream stream, other;
  DeviceArray<float> value(1);
  const std::vector<float> host(1);
  const auto recording = [&](const std::function<void()>& of) {
    return failure_of([&] { RecordedWork().record(stream.get(), of); });
  };
  EXPECT_THAT(recording([] { DeviceArray<float>(1); }), HasSubstr("cannot allocate"));
  EXPECT_THAT(recording([&] { synchronize(stream.get()); }), HasSubstr("cannot wait for a stream"));
  EXPECT_THAT(recording([&] { value.upload(host, stream.get()); }),
              HasSubstr("cannot copy from or to the host"));
  EXPECT_THAT(recording([&] { value.fill_zero(other.get()); }), HasSubstr("another stream"));
  EXPECT_THAT(failure_of([] { RecordedWork().record(nullptr, [] {}); }),
              HasSubstr("the default stream cannot be recorded"));
  EXPECT_EQ(recording([&] { value = {}; }), "no error");
  EXPECT_THAT(failure_of([&] { synchronize(stream.get()); }), HasSubstr("cannot release memory"));
}

TEST(EmulatorDeathTest, TheHostCannotTouchDeviceMemoryNorAKernelWhatWasReleased) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr char kText[] = "the host touched device memory|AddressSanitizer";
  DeviceArray<float> value(1);
  value.fill_zero();
  EXPECT_DEATH(*static_cast<volatile float*>(value.data()) = 1, kText);
  synchronize(nullptr);
  const OwnedStream stream;
  RecordedWork work;
  work.record(stream.get(), [&] {
    launch("add_one", add_one, {.grid = {1}, .threads = 32}, stream.get(), value.data(), 1.0f);
  });
  const auto launch_after_release = [&] {
    value = {};
    work.launch(stream.get());
    synchronize(stream.get());
  };
  EXPECT_DEATH(launch_after_release(), kText);
}

}  // namespace
}  // namespace reckon::cuda
