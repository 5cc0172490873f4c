#include "log_wire.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "reckon/base/one_line.h"

namespace reckon {
namespace {

constexpr std::string_view kProtocol = "reckon.read-log/2";
constexpr std::size_t kMaxErrorBytes = 4096;
constexpr char kEscape = '\x1B';

class Writer {
 public:
  explicit Writer(MessageKind kind) : bytes_(1, static_cast<char>(kind)) {}

  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void add(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add(const VersionRun& run) {
    add(run.first_token);
    add(run.version);
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_ += text;
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    if constexpr (std::is_arithmetic_v<T>) {
      bytes_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
    } else {
      for (const T& element : list) add(element);
    }
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  Reader(std::string_view message, MessageKind kind) : rest_(message) {
    if (message_kind(rest_) != kind) throw WireError("a message of another kind than asked for");
    rest_.remove_prefix(1);
  }

  template <class T>
  void read(T& value) requires(std::is_arithmetic_v<T>) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
  }
  template <class T>
  void read(T& value) requires(std::is_enum_v<T>) {
    std::underlying_type_t<T> code{};
    read(code);
    value = static_cast<T>(code);
    if (enum_name(value) == "?") throw WireError("an unknown code, " + std::to_string(+code));
  }
  void read(VersionRun& run) {
    read(run.first_token);
    read(run.version);
  }
  void read(std::string& text) { text = take(count(1)); }
  template <class T>
  void read(std::vector<T>& list) {
    if constexpr (std::is_arithmetic_v<T>) {
      list.resize(count(sizeof(T)));
      const std::string_view bytes = take(list.size() * sizeof(T));
      if (!bytes.empty()) std::memcpy(list.data(), bytes.data(), bytes.size());
    } else {
      list.resize(count(sizeof(std::uint64_t)));
      for (T& element : list) read(element);
    }
  }
  /// The length of a list, of which each element takes so many bytes at least.
  [[nodiscard]] std::size_t count(std::size_t element_bytes) {
    std::uint64_t value = 0;
    read(value);
    if (value > rest_.size() / element_bytes) throw WireError("a list longer than its message");
    return static_cast<std::size_t>(value);
  }
  void finish() const {
    if (!rest_.empty()) throw WireError(std::to_string(rest_.size()) + " bytes too many");
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw WireError("a message that ends too soon");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

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

}  // namespace

std::string header_message(const LogHeader& header) {
  Writer out(MessageKind::header);
  out.add(kProtocol);
  visit_header(header, [&](const auto&... values) { (out.add(values), ...); });
  return out.take();
}

LogHeader parse_header_message(std::string_view message) {
  Reader in(message, MessageKind::header);
  std::string protocol;
  in.read(protocol);
  if (protocol != kProtocol) throw WireError("another protocol");
  LogHeader header;
  visit_header(header, [&](auto&... values) { (in.read(values), ...); });
  in.finish();
  return header;
}

std::string numbers_message(const std::vector<std::uint64_t>& numbers) {
  Writer out(MessageKind::numbers);
  out.add(numbers);
  return out.take();
}

std::vector<std::uint64_t> parse_numbers_message(std::string_view message) {
  Reader in(message, MessageKind::numbers);
  std::vector<std::uint64_t> numbers;
  in.read(numbers);
  in.finish();
  return numbers;
}

std::string step_message(std::uint64_t index, const RolloutStep& step) {
  Writer out(MessageKind::step);
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
  Reader in(message, MessageKind::step);
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
  Writer out(MessageKind::error);
  out.add(static_cast<std::int32_t>(code));
  out.add(text.substr(0, kMaxErrorBytes));
  return out.take();
}

Error parse_error_message(std::string_view message) {
  Reader in(message, MessageKind::error);
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
