#include <gmock/gmock.h>

#include "lineage/sample_lineage.h"
#include "reckon/lineage/lineage.h"

namespace reckon {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::sample_lineage;
using ::testing::StartsWith;

TEST(LineageTree, StandsEachStageBelowTheOneItStartsFrom) {
  EXPECT_EQ(lineage_tree(sample_lineage(), 100),
            "run r1, reckon 0.1.0, recipe aaaaaaaaaaaa, chain 999999999999\n"
            "├─ data chains: arithmetic, generated\n"
            "├─ data seeds: jsonl, seeds.jsonl cccccccccccc\n"
            "└─ model: random weights (qwen3), weights 111111111111, tokenizer bbbbbbbbbbbb\n"
            "   ├─ cold-start: sft, 600 steps, on chains, weights 222222222222\n"
            "   │  │  eval-1: pass@1 chains 0.287 (n 512)\n"
            "   │  └─ rl-1: grpo, 50 steps, on chains, weights 333333333333\n"
            "   │        eval-2: pass@1 chains 0.750 (n 512), knights 1.000 (n 64)\n"
            "   └─ sft-2: sft, 1 step, on chains and seeds, weights 444444444444\n");
}

TEST(LineageTree, BreaksLongLinesBetweenWords) {
  const std::string tree = lineage_tree(sample_lineage(), 50);
  EXPECT_EQ(tree,
            "run r1, reckon 0.1.0, recipe aaaaaaaaaaaa, chain\n"
            "  999999999999\n"
            "├─ data chains: arithmetic, generated\n"
            "├─ data seeds: jsonl, seeds.jsonl cccccccccccc\n"
            "└─ model: random weights (qwen3), weights\n"
            "   │    111111111111, tokenizer bbbbbbbbbbbb\n"
            "   ├─ cold-start: sft, 600 steps, on chains,\n"
            "   │  │    weights 222222222222\n"
            "   │  │  eval-1: pass@1 chains 0.287 (n 512)\n"
            "   │  └─ rl-1: grpo, 50 steps, on chains, weights\n"
            "   │          333333333333\n"
            "   │        eval-2: pass@1 chains 0.750 (n 512),\n"
            "   │          knights 1.000 (n 64)\n"
            "   └─ sft-2: sft, 1 step, on chains and seeds,\n"
            "           weights 444444444444\n");
}

TEST(LineageTree, ShowsParentsFirst) {
  Lineage lineage = sample_lineage();
  lineage.run = "child";
  lineage.base.init = "";
  lineage.base.path = "runs/r1/checkpoints/sft-2/step-000001";
  lineage.base.tokenizer_sha256 = "";
  lineage.data.clear();
  lineage.stages.resize(1);
  lineage.stages[0].tasks.clear();
  lineage.stages[0].results = {{"chains", 0.5, 16}};
  lineage.parent = std::make_shared<const Lineage>(sample_lineage());
  const std::string tree = lineage_tree(lineage, 100);
  EXPECT_THAT(tree, StartsWith(lineage_tree(sample_lineage(), 100)));
  EXPECT_THAT(tree, EndsWith("\n"
                             "run child, reckon 0.1.0, recipe aaaaaaaaaaaa, chain 999999999999\n"
                             "└─ model: runs/r1/checkpoints/sft-2/step-000001 (of the run above), weights "
                             "111111111111\n"
                             "   └─ cold-start: sft, 600 steps, weights 222222222222\n"
                             "         pass@1 chains 0.500 (n 16)\n"));
}

TEST(LineageTree, NamesCannotDisturbTheTerminal) {
  Lineage lineage = sample_lineage();
  lineage.run = "a\x1B[2Jb\nc";
  EXPECT_THAT(lineage_tree(lineage, 100), StartsWith("run \"a\\u001B[2Jb\\u000Ac\", reckon 0.1.0, "));
  lineage = sample_lineage();
  lineage.stages[1].results.clear();
  EXPECT_THAT(lineage_tree(lineage, 100), HasSubstr("\n   │  │  eval-1: no result\n"));
}

}  // namespace
}  // namespace reckon
