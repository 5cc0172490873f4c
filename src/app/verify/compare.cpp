#include "compare.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// Shows a float so that two that differ look different.
std::string float_text(float value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

bool within(float a, float b, double bound) {
  if (same_bits(a, b)) return true;
  return bound > 0 && std::abs(static_cast<double>(a) - static_cast<double>(b)) <= bound;
}

std::string was(const std::string& what, const std::string& again, const std::string& logged) {
  return what + " comes out as " + again + ", the log says " + logged;
}

/// The place where two texts part.
std::string text_difference(const std::string& again, const std::string& logged) {
  constexpr std::size_t kShown = 40;
  std::size_t at = 0;
  while (at < again.size() && at < logged.size() && again[at] == logged[at]) ++at;
  return "from byte " + std::to_string(at) + " on " + in_quotes(again.substr(at, kShown)) +
         ", the log says " + in_quotes(logged.substr(at, kShown));
}

/// The versions of the weights that the tokens come from.
Difference compare_versions(const Completion& again, const Completion& logged, const std::string& where) {
  if (again.policy_version != logged.policy_version)
    return was(where + "the version of its weights", std::to_string(again.policy_version),
               std::to_string(logged.policy_version));
  const std::vector<VersionRun> a = version_runs(again), b = version_runs(logged);
  for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
    const auto run_text = [i](const std::vector<VersionRun>& runs) {
      return i == runs.size() ? "none"
                              : "version " + std::to_string(runs[i].version) + " from token " +
                                    std::to_string(runs[i].first_token) + " on";
    };
    if (i == a.size() || i == b.size() || a[i] != b[i])
      return was(where + "change " + std::to_string(i) + " of its weights", run_text(a), run_text(b));
  }
  return {};
}

}  // namespace

std::string completion_name(const Completion& completion) {
  return "group " + std::to_string(completion.group_id) + ", sample " +
         std::to_string(completion.sample_index);
}

Difference compare_prompts(const Group& again, const Group& logged) {
  const auto number = [](auto value) { return std::to_string(value); };
  const std::string where = "group " + number(again.group_id) + ": ";
  if (again.group_id != logged.group_id)
    return was("the group's number", number(again.group_id), number(logged.group_id));
  if (again.visit != logged.visit) return was(where + "visit", number(again.visit), number(logged.visit));
  const Prompt& a = again.prompt;
  const Prompt& b = logged.prompt;
  if (a.id != b.id) return was(where + "the problem", number(a.id), number(b.id));
  if (a.task != b.task) return was(where + "the task", in_quotes(a.task), in_quotes(b.task));
  if (a.level != b.level) return was(where + "the level", number(a.level), number(b.level));
  for (const auto& [name, x, y] : {std::tuple("the prompt", &a.text, &b.text),
                                   {"the reference answer", &a.gold, &b.gold},
                                   {"the verifier's data", &a.spec, &b.spec},
                                   {"the source", &a.source, &b.source}}) {
    if (*x != *y) return where + name + " comes out as " + text_difference(*x, *y);
  }
  if (a.token_ids != b.token_ids) return where + "the prompt's tokens are others than the log's";
  return {};
}

Difference compare_tokens(const Completion& again, const Completion& logged, double logprob_bound) {
  const std::string where = completion_name(logged) + ": ";
  const std::size_t shared = std::min(again.token_ids.size(), logged.token_ids.size());
  for (std::size_t i = 0; i < shared; ++i) {
    const std::string token = where + "token " + std::to_string(i);
    if (again.token_ids[i] != logged.token_ids[i])
      return was(token, std::to_string(again.token_ids[i]), std::to_string(logged.token_ids[i]));
    if (!within(again.sampler_logprob[i], logged.sampler_logprob[i], logprob_bound))
      return was(token + ", its log-prob", float_text(again.sampler_logprob[i]),
                 float_text(logged.sampler_logprob[i]));
  }
  if (again.token_ids.size() != logged.token_ids.size())
    return was(where + "its length", std::to_string(again.token_ids.size()),
               std::to_string(logged.token_ids.size()));
  if (again.finish_reason != logged.finish_reason)
    return was(where + "its end", std::string(enum_name(again.finish_reason)),
               std::string(enum_name(logged.finish_reason)));
  return compare_versions(again, logged, where);
}

Difference compare_text(const Completion& logged, const Tokenizer& tokenizer) {
  std::span<const std::uint32_t> ids = logged.token_ids;
  if (logged.finish_reason == FinishReason::eos && !ids.empty()) ids = ids.first(ids.size() - 1);
  for (const std::uint32_t id : ids) {
    if (!tokenizer.is_token(id))
      return completion_name(logged) + ": token " + std::to_string(id) + " is none of the tokenizer's";
  }
  const std::string text = tokenizer.decode(ids);
  if (text == logged.text) return {};
  return completion_name(logged) + ": the text of its tokens is " + text_difference(text, logged.text);
}

Difference compare_reward(const Completion& again, const Completion& logged,
                          const std::vector<std::string>& terms) {
  const std::string where = completion_name(logged) + ": ";
  if (again.grade != logged.grade)
    return was(where + "the grade", std::string(enum_name(again.grade)),
               std::string(enum_name(logged.grade)));
  if (again.verdict != logged.verdict)
    return was(where + "the verdict", std::string(enum_name(again.verdict)),
               std::string(enum_name(logged.verdict)));
  for (std::size_t i = 0; i < terms.size() && i < logged.reward_terms.size(); ++i) {
    if (!same_bits(again.reward_terms.at(i), logged.reward_terms[i]))
      return was(where + "the reward term " + terms[i], float_text(again.reward_terms[i]),
                 float_text(logged.reward_terms[i]));
  }
  if (!same_bits(again.reward, logged.reward))
    return was(where + "the reward", float_text(again.reward), float_text(logged.reward));
  return {};
}

Difference compare_advantage(const Completion& again, const Completion& logged) {
  if (same_bits(again.advantage, logged.advantage)) return {};
  return was(completion_name(logged) + ": the advantage", float_text(again.advantage),
             float_text(logged.advantage));
}

Difference compare_logprobs(std::span<const float> again, const Completion& logged, double bound) {
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (within(again[i], logged.sampler_logprob[i], bound)) continue;
    return was(
        completion_name(logged) + ": token " + std::to_string(i) + ", its log-prob under the step's weights",
        float_text(again[i]), float_text(logged.sampler_logprob[i]));
  }
  return {};
}

}  // namespace reckon
