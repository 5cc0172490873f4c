#include "reckon/record/group_wire.h"

#include <algorithm>

#include "reckon/base/error.h"
#include "wire_bytes.h"

namespace reckon {
namespace {

constexpr std::uint32_t kSchema = 1;
/// Bytes that a completion takes at least, so that a count of them cannot make us allocate much more than the
/// record has.
constexpr std::size_t kLeastCompletionBytes = 56;

// Each calls visit(member, member, ...) for what a record holds, in its order.

template <class Group, class Visit>
void visit_group(Group& group, Visit&& visit) {
  visit(group.group_id, group.visit, group.prompt.id);
}

template <class Completion, class Visit>
void visit_completion(Completion& completion, Visit&& visit) {
  visit(completion.sample_index, completion.policy_version, completion.token_ids, completion.sampler_logprob,
        completion.finish_reason, completion.grade, completion.verdict, completion.reward_terms,
        completion.reward, completion.advantage);
}

void check_completion(const Completion& completion) {
  const std::size_t tokens = completion.token_ids.size();
  if (completion.sampler_logprob.size() != tokens)
    throw WireError(std::to_string(tokens) + " tokens with " +
                    std::to_string(completion.sampler_logprob.size()) + " log-probs");
  const std::string problem = version_runs_problem(completion.versions, tokens);
  if (!problem.empty()) throw WireError(problem);
  if (tokens > 0 && completion.versions.front().version != completion.policy_version)
    throw WireError("a first token of version " + std::to_string(completion.versions.front().version) +
                    " (need " + std::to_string(completion.policy_version) + ", the policy_version)");
}

void check_samples(const Group& group) {
  std::vector<std::uint32_t> samples;
  for (const Completion& completion : group.completions) samples.push_back(completion.sample_index);
  std::ranges::sort(samples);
  const auto twice = std::ranges::adjacent_find(samples);
  if (twice != samples.end()) throw WireError("sample " + std::to_string(*twice) + " stands twice");
}

Group read_group(WireReader& in) {
  const auto read = [&](auto&... values) { (in.read(values), ...); };
  std::uint32_t schema = 0;
  in.read(schema);
  if (schema != kSchema)
    throw WireError("schema " + std::to_string(schema) + " (need " + std::to_string(kSchema) + ")");
  Group group;
  visit_group(group, read);
  group.completions.resize(in.count(kLeastCompletionBytes));
  for (Completion& completion : group.completions) {
    completion.prompt_id = group.prompt.id;
    completion.group_id = group.group_id;
    visit_completion(completion, read);
    in.read(completion.versions);
    std::uint8_t several = 0;
    in.read(several);
    if (several > 1) throw WireError("an unknown code, " + std::to_string(several));
    completion.several_answers = several == 1;
    check_completion(completion);
  }
  check_samples(group);
  return group;
}

}  // namespace

std::string group_wire(const Group& group) {
  WireWriter out;
  const auto add = [&](const auto&... values) { (out.add(values), ...); };
  out.add(kSchema);
  visit_group(group, add);
  out.add(std::uint64_t{group.completions.size()});
  for (const Completion& completion : group.completions) {
    visit_completion(completion, add);
    out.add(version_runs(completion));
    out.add(static_cast<std::uint8_t>(completion.several_answers ? 1 : 0));
  }
  return out.take();
}

Group take_group_wire(std::string_view& records) {
  WireReader in(records);
  try {
    Group group = read_group(in);
    records = in.rest();
    return group;
  } catch (const WireError& error) {
    throw Error(ExitCode::bad_data, std::string("group record: ") + error.what());
  }
}

}  // namespace reckon
