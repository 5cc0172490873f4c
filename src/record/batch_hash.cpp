#include "reckon/record/batch_hash.h"

#include <bit>
#include <span>
#include <string_view>
#include <type_traits>

#include "reckon/base/sha256.h"
#include "reckon/record/rollout_log.h"

namespace reckon {
namespace {

static_assert(std::endian::native == std::endian::little, "the digest is defined over little-endian numbers");

class ContentHash {
 public:
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void add(T value) {
    hash_.update_values(std::span<const T>(&value, 1));
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    hash_.update(text);
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    if constexpr (std::is_arithmetic_v<T>) {
      hash_.update_values(std::span<const T>(list));
    } else {
      for (const T& element : list) add(element);
    }
  }
  std::string digest() { return hash_.hex_digest(); }

 private:
  Sha256 hash_;
};

void add_prompt(ContentHash& hash, const Prompt& prompt) {
  hash.add(prompt.id);
  hash.add(prompt.task);
  hash.add(prompt.level);
  hash.add(prompt.text);
  hash.add(prompt.token_ids);
  hash.add(prompt.gold);
  hash.add(prompt.spec);
  hash.add(prompt.source);
}

void add_completion(ContentHash& hash, const Completion& completion, float temperature) {
  hash.add(completion.sample_index);
  hash.add(completion.policy_version);
  hash.add(completion.token_ids);
  hash.add(completion.sampler_logprob);
  hash.add(completion.finish_reason);
  hash.add(completion.text);
  hash.add(completion.grade);
  hash.add(completion.verdict);
  hash.add(completion.reward_terms);
  hash.add(completion.reward);
  hash.add(completion.advantage);
  hash.add(temperature);
  if (completion.versions.size() < 2) return;  // policy_version has said it
  hash.add(std::string_view("versions"));
  hash.add(std::uint64_t{completion.versions.size()});
  for (const VersionRun& run : completion.versions) {
    hash.add(run.first_token);
    hash.add(run.version);
  }
}

void add_group(ContentHash& hash, const Group& group, float temperature) {
  add_prompt(hash, group.prompt);
  hash.add(group.visit);
  hash.add(group.group_id);
  hash.add(group.admission);
  hash.add(std::uint64_t{group.completions.size()});
  for (const Completion& completion : group.completions) add_completion(hash, completion, temperature);
}

}  // namespace

std::string batch_sha256(const RolloutBatch& batch) {
  ContentHash hash;
  hash.add(kRolloutSchema);
  hash.add(batch.step);
  hash.add(batch.reward_term_names);
  hash.add(std::uint64_t{batch.groups.size()});
  for (const Group& group : batch.groups) add_group(hash, group, batch.temperature);
  return hash.digest();
}

std::string group_sha256(const Group& group, float temperature) {
  ContentHash hash;
  hash.add(std::string_view("reckon.group/1"));
  add_group(hash, group, temperature);
  return hash.digest();
}

std::string rollouts_sha256(std::span<const std::string> group_hashes) {
  Sha256 hash;
  for (const std::string& digest : group_hashes) {
    hash.update(digest);
    hash.update("\n");
  }
  return hash.hex_digest();
}

}  // namespace reckon
