#include "words_task.h"

#include "reckon/grade/extract.h"

namespace reckon {
namespace {

/// Far above any right answer; below it every reader is fast.
constexpr std::size_t kMaxAnswerBytes = 16'384;

}  // namespace

Grade WordsTask::grade(std::string_view spec, std::string_view answer) const {
  const LogicSpec rules(enum_name(kind_), spec);
  const std::string_view text = trim_blanks(answer);
  const Grade grade = judge(rules, text.size() > kMaxAnswerBytes ? std::string_view{} : text);
  if (text.empty()) return Grade::no_answer;
  return text.size() > kMaxAnswerBytes ? Grade::different : grade;
}

std::optional<std::uint64_t> WordsTask::distinct_problems(std::int64_t level) const {
  check_level(*this, level);
  return count_problems(level);
}

std::optional<std::vector<std::string_view>> words_items(std::string_view answer, std::size_t max_items) {
  std::string_view text = trim_blanks(answer);
  if (text.ends_with('.')) text.remove_suffix(1);
  std::vector<std::string_view> items;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(",;\n", at), text.size());
    const std::string_view item = trim_blanks(text.substr(at, end - at));
    const bool ends_line = end < text.size() && text[end] == '\n';
    if (!item.empty()) {
      if (items.size() == max_items) return std::nullopt;
      items.push_back(item);
    } else if (!ends_line || at == 0) {
      return std::nullopt;
    }
    at = end + 1;
  }
  return items;
}

std::string words_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string words_joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += separator;
    text += words[i];
  }
  return text;
}

std::string words_list(const std::vector<std::string>& words) {
  if (words.size() < 2) return words_joined(words, "");
  const std::vector<std::string> most(words.begin(), words.end() - 1);
  return words_joined(most, ", ") + " and " + words.back();
}

std::optional<std::int64_t> words_digits(std::string_view text, std::size_t max_digits) {
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace reckon
