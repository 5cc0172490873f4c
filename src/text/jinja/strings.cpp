#include "strings.h"

#include <algorithm>
#include <cstring>

#include "letters.h"

namespace reckon::jinja {
namespace {

std::string reversed(std::string_view text) {
  return {text.rbegin(), text.rend()};
}

}  // namespace

std::size_t find_first(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  // Linear in the worst case too, which std::string_view::find is not.
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t find_last(std::string_view text, std::string_view part) {
  const std::size_t found = find_first(reversed(text), reversed(part));
  return found == std::string_view::npos ? found : text.size() - found - part.size();
}

std::vector<std::string> split(std::string_view text, std::string_view separator, long max_splits) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (; max_splits != 0; --max_splits) {
    const std::size_t found = find_first(text, separator, start);
    if (found == std::string_view::npos) break;
    parts.emplace_back(text.substr(start, found - start));
    start = found + separator.size();
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

std::vector<std::string> split_right(std::string_view text, std::string_view separator, long max_splits) {
  std::vector<std::string> parts = split(reversed(text), reversed(separator), max_splits);
  std::reverse(parts.begin(), parts.end());
  for (std::string& part : parts) std::reverse(part.begin(), part.end());
  return parts;
}

namespace {

/// The length of the first word: up to white space.
std::size_t word_length(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = *utf8_character_at(text, at);
    if (is_space(character.code_point)) return at;
    at += character.num_bytes;
  }
  return text.size();
}

/// Where the last word starts.
std::size_t last_word(std::string_view text) {
  std::size_t start = text.size();
  while (start > 0) {
    std::size_t at = start - 1;
    while ((text[at] & 0xC0) == 0x80) --at;
    if (is_space(utf8_character_at(text, at)->code_point)) break;
    start = at;
  }
  return start;
}

}  // namespace

std::vector<std::string> split_spaces(std::string_view text, long max_splits) {
  std::vector<std::string> parts;
  text = strip(text, Side::left);
  for (; !text.empty() && max_splits != 0; --max_splits) {
    const std::size_t length = word_length(text);
    parts.emplace_back(text.substr(0, length));
    text = strip(text.substr(length), Side::left);
  }
  if (!text.empty()) parts.emplace_back(text);
  return parts;
}

std::vector<std::string> split_spaces_right(std::string_view text, long max_splits) {
  std::vector<std::string> parts;
  text = strip(text, Side::right);
  for (; !text.empty() && max_splits != 0; --max_splits) {
    const std::size_t start = last_word(text);
    parts.emplace_back(text.substr(start));
    text = strip(text.substr(0, start), Side::right);
  }
  if (!text.empty()) parts.emplace_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::size_t count(std::string_view text, std::string_view part) {
  if (part.empty()) return num_code_points(text) + 1;
  std::size_t found = 0;
  for (std::size_t at = find_first(text, part); at != std::string_view::npos;
       at = find_first(text, part, at + part.size())) {
    ++found;
  }
  return found;
}

std::string replace(std::string_view text, std::string_view part, std::string_view by, long max_count) {
  std::string result;
  std::size_t at = 0;
  if (part.empty()) {  // before every character and at the end
    for (; max_count != 0; --max_count) {
      result += by;
      if (at == text.size()) return result;
      const std::size_t num_bytes = utf8_character_at(text, at)->num_bytes;
      result += text.substr(at, num_bytes);
      at += num_bytes;
    }
    return result.append(text.substr(at));
  }
  for (; max_count != 0; --max_count) {
    const std::size_t found = find_first(text, part, at);
    if (found == std::string_view::npos) break;
    result += text.substr(at, found - at);
    result += by;
    at = found + part.size();
  }
  return result.append(text.substr(at));
}

}  // namespace reckon::jinja
