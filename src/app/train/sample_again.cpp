#include "sample_again.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/rollout/continuous_sampler.h"
#include "reckon/rollout/stop_strings.h"

namespace reckon {
namespace {

/// The runs of a completion; one, where its log has none.
std::vector<VersionRun> runs_of(const Completion& completion) {
  if (!completion.versions.empty()) return completion.versions;
  return {{0, completion.policy_version}};
}

/// Where run i ends.
std::size_t end_of(const std::vector<VersionRun>& runs, std::size_t i, std::size_t num_tokens) {
  return i + 1 < runs.size() ? static_cast<std::size_t>(runs[i + 1].first_token) : num_tokens;
}

/// Those that sampled the groups, ascending.
std::set<std::uint64_t> versions_in(const std::vector<Group>& groups) {
  std::set<std::uint64_t> found;
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      for (const VersionRun& run : runs_of(completion)) found.insert(run.version);
    }
  }
  return found;
}

/// The weights that had seen so many updates, the latest of them.
void use_version(const PolicyVersions& versions, std::uint64_t updates, SamplingPolicy& policy) {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (static_cast<std::uint64_t>(it->second.updates) == updates) return policy.use(it->second);
  }
  throw Error(ExitCode::bad_data,
              "completions are of policy version " + std::to_string(updates) +
                  ", which is none that the steps before could have left (need the last " +
                  std::to_string(versions.size()) + ")");
}

/// A completion that is being sampled once more.
struct Resumed {
  const Prompt* prompt = nullptr;
  SampleKey key;
  std::vector<VersionRun> runs;  // as logged
  std::size_t num_tokens = 0;    // as logged
  Sample sample;                 // so far
  bool has_ended = false;
};

/// Goes on with all that have a run of this version, up to its end.
void sample_run(ContinuousSampler& sampler, std::uint64_t version, std::vector<Resumed>& all,
                std::map<std::uint64_t, Resumed*>& by_id, std::map<std::uint64_t, std::size_t>& tokens_left) {
  by_id.clear();
  tokens_left.clear();
  for (Resumed& resumed : all) {
    const auto run = std::ranges::find(resumed.runs, version, &VersionRun::version);
    if (run == resumed.runs.end() || resumed.has_ended) continue;
    const std::size_t end =
        end_of(resumed.runs, static_cast<std::size_t>(run - resumed.runs.begin()), resumed.num_tokens);
    const SampleRequest request{
        .prompt = resumed.prompt->token_ids, .key = resumed.key, .so_far = resumed.sample};
    const std::uint64_t id = sampler.add({&request, 1});
    by_id[id] = &resumed;
    // The last run ends as the completion does: if it goes on further, that is a difference.
    const bool is_last = std::next(run) == resumed.runs.end();
    if (!is_last) tokens_left[id] = end - resumed.sample.token_ids.size();
  }
  while (!sampler.is_idle()) {
    sampler.step();
    for (auto it = tokens_left.begin(); it != tokens_left.end();) {
      if (it->second > 0 || by_id.at(it->first)->has_ended) {
        ++it;
        continue;
      }
      by_id.at(it->first)->sample = sampler.take(it->first);
      it = tokens_left.erase(it);
    }
  }
}

}  // namespace

void sample_again(TrainRun& run, const StageConfig& stage, const PolicyVersions& versions,
                  SamplingPolicy& policy, std::vector<Group>& groups) {
  std::vector<Resumed> all;
  std::int64_t longest_prompt = 1;
  for (const Group& group : groups) {
    longest_prompt = std::max(longest_prompt, static_cast<std::int64_t>(group.prompt.token_ids.size()));
    for (const Completion& completion : group.completions) {
      all.push_back({.prompt = &group.prompt,
                     .key = {run.seed(), stage_key(stage.name), group.prompt.id,
                             static_cast<std::uint32_t>(group.visit), completion.sample_index},
                     .runs = runs_of(completion),
                     .num_tokens = completion.token_ids.size(),
                     .sample = {}});
    }
  }
  std::map<std::uint64_t, Resumed*> by_id;
  std::map<std::uint64_t, std::size_t> tokens_left;
  SampleOptions options = rollout_plan(run, stage, 0).options;
  const StopStrings stop(run.tokenizer(), stage.sampling.stop);
  if (!stop.empty()) options.is_stop = [&](std::span<const std::uint32_t> ids) { return stop.reached(ids); };
  options.on_token = [&](std::size_t id, std::uint32_t) {
    if (const auto left = tokens_left.find(id); left != tokens_left.end() && left->second > 0) --left->second;
  };
  options.on_finished = [&](std::size_t id, const Sample& sample) {
    by_id.at(id)->sample = sample;
    by_id.at(id)->has_ended = true;
    tokens_left.erase(id);
  };
  const auto backend = policy.engine().sampling_backend();
  for (const std::uint64_t version : versions_in(groups)) {
    use_version(versions, version, policy);
    options.policy_version = version;
    ContinuousSampler sampler(*backend, options, {.longest_prompt = longest_prompt});
    sample_run(sampler, version, all, by_id, tokens_left);
  }
  std::size_t next = 0;
  for (Group& group : groups) {
    for (Completion& completion : group.completions) {
      Completion again;
      again.prompt_id = completion.prompt_id;
      again.group_id = completion.group_id;
      again.sample_index = completion.sample_index;
      record_sample(all[next++].sample, run.tokenizer(), again);
      completion = std::move(again);
    }
  }
}

std::vector<float> logprobs_again(const PolicyVersions& versions, SamplingPolicy& policy, Learner& learner,
                                  const std::vector<Group>& groups, float temperature) {
  std::vector<TrainSequence> sequences;
  std::vector<const Completion*> completions;
  std::vector<float> result;
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      sequences.push_back({group.prompt.token_ids, completion.token_ids});
      completions.push_back(&completion);
      result.resize(result.size() + completion.token_ids.size());
    }
  }
  for (const std::uint64_t version : versions_in(groups)) {
    use_version(versions, version, policy);
    const std::vector<float> all = learner.logprobs(sequences, temperature);
    std::size_t first = 0;
    for (const Completion* completion : completions) {
      const std::vector<VersionRun> runs = runs_of(*completion);
      const std::size_t size = completion->token_ids.size();
      for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].version != version) continue;
        const auto begin = static_cast<std::ptrdiff_t>(first + runs[i].first_token);
        const auto end = static_cast<std::ptrdiff_t>(first + end_of(runs, i, size));
        std::copy(all.begin() + begin, all.begin() + end, result.begin() + begin);
      }
      first += size;
    }
  }
  return result;
}

}  // namespace reckon
