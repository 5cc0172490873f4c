#include "reckon/ops/kv_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "reckon/ops/kv_cache.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// 37 positions are two whole blocks, which a fork shares, and five of the third.
TEST(KvBlocks, AForkSharesWholeBlocksAndNamesWhatIsToBeCopied) {
  KvBlocks cache;
  cache.reset_blocks(10, 4);
  const std::int32_t slot = cache.open(40);
  EXPECT_THAT(cache.blocks(slot), ElementsAre(0, 1, 2));
  EXPECT_EQ(cache.capacity(slot), 48);
  EXPECT_TRUE(cache.pending_forks().empty());
  const std::int32_t fork = cache.fork(slot, 37, 70);
  EXPECT_THAT(cache.blocks(fork), ElementsAre(0, 1, 3, 4, 5));
  ASSERT_EQ(cache.pending_forks().size(), 1u);
  EXPECT_EQ(cache.pending_forks()[0].from, 2);
  EXPECT_EQ(cache.pending_forks()[0].to, 3);
  EXPECT_EQ(cache.pending_forks()[0].length, 5);
  EXPECT_EQ(cache.free_blocks(), 4);
  EXPECT_EQ(cache.num_blocks(), 10);
}

TEST(KvBlocks, AForkAtTheEdgeOfABlockCopiesNothing) {
  KvBlocks cache;
  cache.reset_blocks(4);
  const std::int32_t fork = cache.fork(cache.open(32), 32, 33);
  EXPECT_THAT(cache.blocks(fork), ElementsAre(0, 1, 2));
  EXPECT_TRUE(cache.pending_forks().empty());
}

TEST(KvBlocks, ABlockIsFreeWhenNobodyHasItAndItsCopiesAreMade) {
  KvBlocks cache;
  cache.reset_blocks(6);
  const std::int32_t slot = cache.open(20);                                                // 0 and 1
  const std::int32_t first = cache.fork(slot, 20, 20), second = cache.fork(slot, 20, 20);  // 2 and 3
  EXPECT_EQ(cache.free_blocks(), 2);
  cache.close(slot);
  EXPECT_EQ(cache.free_blocks(), 2);  // block 1 still has to be copied
  cache.finish_forks();
  EXPECT_TRUE(cache.pending_forks().empty());
  EXPECT_EQ(cache.free_blocks(), 3);
  cache.close(first);
  EXPECT_EQ(cache.free_blocks(), 4);  // block 0 is the other's too
  cache.close(second);
  EXPECT_EQ(cache.free_blocks(), 6);
}

TEST(KvBlocks, ASlotKnowsTheWeightsItIsOf) {
  KvBlocks cache;
  cache.reset_blocks(4, 7);
  const std::int32_t slot = cache.open(3);
  EXPECT_EQ(cache.version(slot), 7u);
  EXPECT_EQ(cache.version(cache.fork(slot, 3, 3)), 7u);
  cache.reset_blocks(4, 8);
  EXPECT_EQ(cache.free_blocks(), 4);
  EXPECT_EQ(cache.version(cache.open(3)), 8u);
}

TEST(KvBlocks, RefusesWhatHasNoRoomAndWhatIsNotOpen) {
  KvBlocks cache;
  cache.reset_blocks(3);
  const std::int32_t slot = cache.open(17);
  EXPECT_EQ(error_of([&] { cache.open(17); }), "KvBlocks::open: 17 tokens (1 blocks of 16 are free)");
  EXPECT_EQ(error_of([&] { cache.fork(slot, 33, 40); }),
            "KvBlocks::fork: 33 of 40 tokens (the slot has room for 32, 1 blocks of 16 are free)");
  EXPECT_EQ(error_of([&] { cache.fork(slot, 5, 4); }),
            "KvBlocks::fork: 5 of 4 tokens (the slot has room for 32, 1 blocks of 16 are free)");
  cache.close(slot);
  EXPECT_EQ(error_of([&] { cache.close(slot); }), "KvBlocks::close: slot 0 is not open");
}

TEST(KvBlocks, TheBookOfACacheIsThatOfItsBase) {
  KvCache cache;
  cache.reset({1, 1, 16}, 5, 3);
  KvBlocks& book = cache;
  const std::int32_t slot = book.open(16);
  EXPECT_EQ(cache.version(slot), 3u);
  EXPECT_EQ(cache.free_blocks(), 4);
}

}  // namespace
}  // namespace reckon
