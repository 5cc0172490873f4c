#pragma once

#include <string>

#include "reckon/lineage/lineage.h"

namespace reckon::testing {

inline std::string hash_of(char digit) {
  return std::string(64, digit);
}

/// A run with a branch: "sft-2" starts from the base again, as DeepSeek-R1's second fine-tuning did.
inline Lineage sample_lineage() {
  Lineage lineage;
  lineage.run = "r1";
  lineage.program = "reckon 0.1.0";
  lineage.recipe_sha256 = hash_of('a');
  lineage.base = {
      .path = "", .init = "qwen3", .weights_sha256 = hash_of('1'), .tokenizer_sha256 = hash_of('b')};
  lineage.data = {{.task = "chains", .kind = "arithmetic", .sources = {}},
                  {.task = "seeds", .kind = "jsonl", .sources = {{"seeds.jsonl", hash_of('c')}}}};
  const auto stage = [](const char* name, const char* kind, const char* from, std::uint64_t steps,
                        char before, char after, char link) {
    return LineageStage{.name = name,
                        .kind = kind,
                        .from = from,
                        .steps = steps,
                        .weights_before = hash_of(before),
                        .weights_after = after == 0 ? "" : hash_of(after),
                        .first_link = hash_of(link),
                        .last_link = hash_of(static_cast<char>(link + 1)),
                        .tasks = {"chains"},
                        .results = {}};
  };
  lineage.stages = {stage("cold-start", "sft", "model", 600, '1', '2', '0'),
                    stage("eval-1", "eval", "cold-start", 0, '2', 0, '2'),
                    stage("rl-1", "grpo", "cold-start", 50, '2', '3', '4'),
                    stage("eval-2", "eval", "rl-1", 0, '3', 0, '6'),
                    stage("sft-2", "sft", "model", 1, '1', '4', '8')};
  lineage.stages[1].results = {{"chains", 0.28711, 512}};
  lineage.stages[3].results = {{"chains", 0.75, 512}, {"knights", 1.0, 64}};
  lineage.stages[4].tasks = {"chains", "seeds"};
  lineage.head = hash_of('9');
  return lineage;
}

}  // namespace reckon::testing
