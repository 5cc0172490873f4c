#include "log_wire.h"

#include <algorithm>
#include <cstring>

#include "reckon/base/one_line.h"
#include "wire_bytes.h"

namespace reckon {
namespace {

constexpr std::string_view kProtocol = "reckon.read-log/2";
constexpr std::size_t kMaxErrorBytes = 4096;
constexpr char kEscape = '\x1B';

// Each calls visit(member, member, ...) for what a message holds, in its order.

template <class Header, class Visit>
void visit_header(Header& header, Visit&& visit) {
  auto& info = header.info;
  visit(info.run_id, info.stage, info.rank, info.world_size, info.recipe_text, info.tokenizer_sha256,
        info.grader_version, info.fingerprint, info.created, info.versions, header.segment,
        header.reward_term_names, header.num_steps);
}

template <class Step, class Visit>
void visit_step(Step& step, Visit&& visit) {
  visit(step.batch.step, step.batch.temperature, step.hashes.batch_sha256, step.hashes.weights_before_sha256,
        step.hashes.weights_after_sha256);
}

template <class Group, class Visit>
void visit_group(Group& group, Visit&& visit) {
  auto& prompt = group.prompt;
  visit(prompt.id, prompt.task, prompt.level, prompt.text, prompt.token_ids, prompt.gold, prompt.spec,
        prompt.source, group.visit, group.group_id, group.admission);
}

template <class Completion, class Visit>
void visit_completion(Completion& completion, Visit&& visit) {
  visit(completion.sample_index, completion.policy_version, completion.versions, completion.token_ids,
        completion.sampler_logprob, completion.finish_reason, completion.text, completion.grade,
        completion.verdict, completion.reward_terms, completion.reward, completion.advantage);
}

/// Bytes that a group and a completion take at least, so that a count of them cannot make us allocate much
/// more than the message has.
constexpr std::size_t kLeastGroupBytes = 96;
constexpr std::size_t kLeastCompletionBytes = 63;

/// A message of a kind, to be filled.
WireWriter message_of(MessageKind kind) {
  WireWriter out;
  out.add(static_cast<char>(kind));
  return out;
}

/// What stands behind the kind of a message.
WireReader content_of(std::string_view message, MessageKind kind) {
  if (message_kind(message) != kind) throw WireError("a message of another kind than asked for");
  return WireReader(message.substr(1));
}

}  // namespace

std::string header_message(const LogHeader& header) {
  WireWriter out = message_of(MessageKind::header);
  out.add(kProtocol);
  visit_header(header, [&](const auto&... values) { (out.add(values), ...); });
  return out.take();
}

LogHeader parse_header_message(std::string_view message) {
  WireReader in = content_of(message, MessageKind::header);
  std::string protocol;
  in.read(protocol);
  if (protocol != kProtocol) throw WireError("another protocol");
  LogHeader header;
  visit_header(header, [&](auto&... values) { (in.read(values), ...); });
  in.finish();
  return header;
}

std::string numbers_message(const std::vector<std::uint64_t>& numbers) {
  WireWriter out = message_of(MessageKind::numbers);
  out.add(numbers);
  return out.take();
}

std::vector<std::uint64_t> parse_numbers_message(std::string_view message) {
  WireReader in = content_of(message, MessageKind::numbers);
  std::vector<std::uint64_t> numbers;
  in.read(numbers);
  in.finish();
  return numbers;
}

std::string step_message(std::uint64_t index, const RolloutStep& step) {
  WireWriter out = message_of(MessageKind::step);
  const auto add = [&](const auto&... values) { (out.add(values), ...); };
  out.add(index);
  visit_step(step, add);
  out.add(std::uint64_t{step.batch.groups.size()});
  for (const Group& group : step.batch.groups) {
    visit_group(group, add);
    out.add(std::uint64_t{group.completions.size()});
    for (const Completion& completion : group.completions) visit_completion(completion, add);
  }
  return out.take();
}

RolloutStep parse_step_message(std::string_view message, std::uint64_t index,
                               const std::vector<std::string>& reward_term_names) {
  WireReader in = content_of(message, MessageKind::step);
  const auto read = [&](auto&... values) { (in.read(values), ...); };
  std::uint64_t answered = 0;
  in.read(answered);
  if (answered != index) throw WireError("another step than asked for");
  RolloutStep step;
  visit_step(step, read);
  step.batch.reward_term_names = reward_term_names;
  for (std::size_t groups = in.count(kLeastGroupBytes); groups > 0; --groups) {
    Group& group = step.batch.groups.emplace_back();
    visit_group(group, read);
    const std::size_t num_completions = in.count(kLeastCompletionBytes);
    if (num_completions == 0) throw WireError("a group without completions");
    for (std::size_t i = 0; i < num_completions; ++i) {
      Completion& completion = group.completions.emplace_back();
      completion.prompt_id = group.prompt.id;
      completion.group_id = group.group_id;
      visit_completion(completion, read);
      if (completion.token_ids.size() != completion.sampler_logprob.size() ||
          completion.reward_terms.size() != reward_term_names.size()) {
        throw WireError("a completion whose lists do not fit each other");
      }
      const std::vector<VersionRun> runs = version_runs(completion);
      const std::string problem = version_runs_problem(runs, completion.token_ids.size());
      if (!problem.empty()) throw WireError(problem);
      if (!runs.empty() && runs.front().version != completion.policy_version)
        throw WireError("a completion of another version than its first token");
    }
  }
  in.finish();
  return step;
}

std::string error_message(ExitCode code, std::string_view text) {
  WireWriter out = message_of(MessageKind::error);
  out.add(static_cast<std::int32_t>(code));
  out.add(text.substr(0, kMaxErrorBytes));
  return out.take();
}

Error parse_error_message(std::string_view message) {
  WireReader in = content_of(message, MessageKind::error);
  std::int32_t number = 0;
  std::string text;
  in.read(number);
  in.read(text);
  in.finish();
  const auto code = static_cast<ExitCode>(number);
  if (code != ExitCode::bad_data && code != ExitCode::missing_input) throw WireError("an unknown error code");
  if (text.size() > kMaxErrorBytes) throw WireError("an endless error");
  return {code, in_one_line(text, kMaxErrorBytes)};
}

MessageKind message_kind(std::string_view message) {
  if (message.empty()) throw WireError("an empty message");
  const auto kind = static_cast<MessageKind>(message[0]);
  switch (kind) {
    case MessageKind::header:
    case MessageKind::numbers:
    case MessageKind::step:
    case MessageKind::error:
      return kind;
  }
  throw WireError("a message of no known kind");
}

std::string as_line(std::string_view bytes) {
  std::string line;
  line.reserve(bytes.size() + bytes.size() / 64);
  while (true) {
    const auto special =
        std::find_if(bytes.begin(), bytes.end(), [](char c) { return c == '\n' || c == kEscape; });
    line.append(bytes.begin(), special);
    if (special == bytes.end()) return line;
    line += kEscape;
    line += *special == '\n' ? 'n' : 'e';
    bytes.remove_prefix(static_cast<std::size_t>(special - bytes.begin()) + 1);
  }
}

std::string from_line(std::string line) {
  std::size_t end = std::min(line.find(kEscape), line.size());
  std::size_t next = end;  // an escape, or the end
  while (next < line.size()) {
    const char kind = next + 1 < line.size() ? line[next + 1] : '\0';
    if (kind != 'n' && kind != 'e') throw WireError("a line that is no message");
    line[end++] = kind == 'n' ? '\n' : kEscape;
    const std::size_t from = next + 2;
    next = std::min(line.find(kEscape, from), line.size());
    std::memmove(line.data() + end, line.data() + from, next - from);
    end += next - from;
  }
  line.resize(end);
  return line;
}

}  // namespace reckon
