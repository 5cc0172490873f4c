// Every rank gets what every other one sampled, on 1, 2 and 4 ranks.
#include "app/train/group_exchange.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "record/sample_batches.h"
#include "support/mpi_world.h"

namespace reckon {
namespace {

/// Five groups, the third of tokens of two versions.
std::vector<Group> all_groups() {
  std::vector<Group> groups = testing::sample_batch(4, 5).groups;
  Completion& mixed = groups[2].completions[1];
  mixed.token_ids.resize(6, 1);
  mixed.sampler_logprob.resize(6, -1.0F);
  mixed.versions = {{0, mixed.policy_version}, {4, mixed.policy_version + 2}};
  return groups;
}

/// The groups of a rank: they are consecutive, and a rank may have none.
std::vector<Group> groups_of(const std::vector<Group>& all, const Communicator& world) {
  const auto begin = [&](int rank) {
    return all.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(world.size());
  };
  const auto at = [&](int rank) { return all.begin() + static_cast<std::ptrdiff_t>(begin(rank)); };
  return {at(world.rank()), at(world.rank() + 1)};
}

TEST(GroupExchange, GivesEveryRankAllCompletionsWithoutTexts) {
  Communicator& world = testing::mpi_world();
  std::vector<Group> expected = all_groups();
  std::vector<Group> all = expected;
  for (Group& group : all) group.completions.clear();
  exchange_completions(world, groups_of(expected, world), all);
  for (std::size_t g = 0; g < all.size(); ++g) {
    ASSERT_EQ(all[g].completions.size(), expected[g].completions.size());
    EXPECT_EQ(all[g].prompt.text, expected[g].prompt.text);  // that of the receiver stays
    for (std::size_t i = 0; i < all[g].completions.size(); ++i) {
      expected[g].completions[i].text.clear();
      testing::expect_same_completion(all[g].completions[i], expected[g].completions[i]);
    }
  }
}

TEST(GroupExchange, NamesAGroupThatIsNotTheOneOfTheStep) {
  Communicator& world = testing::mpi_world();
  const std::vector<Group> sent = all_groups();
  std::vector<Group> all = sent;
  all[3].visit += 1;
  try {
    exchange_completions(world, groups_of(sent, world), all);
    FAIL() << "took a group of another visit";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(
        error.what(),
        ("exchange_completions: group 23 of prompt " + std::to_string(sent[3].prompt.id) +
         ", visit 1 came in place of 23 of prompt " + std::to_string(sent[3].prompt.id) + ", visit 2")
            .c_str());
  }
}

}  // namespace
}  // namespace reckon
