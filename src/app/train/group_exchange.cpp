#include <cstring>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "group_exchange.h"

namespace reckon {
namespace {

template <class T>
void put(std::string& bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
void put(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

/// Takes values from the front of a message.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  void take(T& value) {
    std::memcpy(&value, next(sizeof value), sizeof value);
  }
  template <class T>
  void take(std::vector<T>& values, std::size_t count) {
    values.resize(count);
    const char* from = next(count * sizeof(T));
    if (count != 0) std::memcpy(values.data(), from, count * sizeof(T));
  }
  [[nodiscard]] bool done() const { return bytes_.empty(); }

 private:
  const char* next(std::size_t size) {
    if (size > bytes_.size()) throw std::logic_error("exchange_completions: a message ends too early");
    const char* from = bytes_.data();
    bytes_.remove_prefix(size);
    return from;
  }
  std::string_view bytes_;
};

/// The plain values of a completion.
struct Header {
  std::uint64_t tokens;
  std::uint64_t policy_version;
  std::uint64_t versions;
  std::uint32_t sample_index;
  std::uint32_t reward_terms;
  float reward;
  float advantage;
  Grade grade;
  Verdict verdict;
  FinishReason finish_reason;
  bool several_answers;
};

void write_group(const Group& group, std::string& bytes) {
  put(bytes, group.group_id);
  put(bytes, static_cast<std::uint64_t>(group.completions.size()));
  for (const Completion& completion : group.completions) {
    Header header{};
    header.tokens = completion.token_ids.size();
    header.policy_version = completion.policy_version;
    header.versions = completion.versions.size();
    header.sample_index = completion.sample_index;
    header.reward_terms = static_cast<std::uint32_t>(completion.reward_terms.size());
    header.reward = completion.reward;
    header.advantage = completion.advantage;
    header.grade = completion.grade;
    header.verdict = completion.verdict;
    header.finish_reason = completion.finish_reason;
    header.several_answers = completion.several_answers;
    put(bytes, header);
    put(bytes, completion.versions);
    put(bytes, completion.reward_terms);
    put(bytes, completion.token_ids);
    put(bytes, completion.sampler_logprob);
  }
}

void read_group(Reader& reader, Group& group) {
  std::uint64_t group_id = 0;
  std::uint64_t count = 0;
  reader.take(group_id);
  reader.take(count);
  if (group_id != group.group_id) {
    throw std::logic_error("exchange_completions: group " + std::to_string(group_id) + " came in place of " +
                           std::to_string(group.group_id));
  }
  group.completions.assign(count, {});
  for (Completion& completion : group.completions) {
    Header header{};
    reader.take(header);
    completion.prompt_id = group.prompt.id;
    completion.group_id = group_id;
    completion.policy_version = header.policy_version;
    completion.sample_index = header.sample_index;
    completion.reward = header.reward;
    completion.advantage = header.advantage;
    completion.grade = header.grade;
    completion.verdict = header.verdict;
    completion.finish_reason = header.finish_reason;
    completion.several_answers = header.several_answers;
    reader.take(completion.versions, header.versions);
    reader.take(completion.reward_terms, header.reward_terms);
    reader.take(completion.token_ids, header.tokens);
    reader.take(completion.sampler_logprob, header.tokens);
  }
}

}  // namespace

void exchange_completions(Communicator& world, const std::vector<Group>& mine, std::vector<Group>& all) {
  std::string bytes;
  for (const Group& group : mine) write_group(group, bytes);
  std::size_t next = 0;
  for (const std::string& part : world.all_gather(bytes)) {
    Reader reader(part);
    while (!reader.done()) {
      if (next == all.size())
        throw std::logic_error("exchange_completions: more groups came than the step has");
      read_group(reader, all[next++]);
    }
  }
  if (next != all.size()) {
    throw std::logic_error("exchange_completions: " + std::to_string(next) + " of " +
                           std::to_string(all.size()) + " groups came");
  }
}

}  // namespace reckon
