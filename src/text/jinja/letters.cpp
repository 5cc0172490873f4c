#include "letters.h"

#include <algorithm>
#include <array>

namespace reckon::jinja {
namespace {

struct CodeRange {
  char32_t first;
  char32_t last;
};

template <std::size_t n>
bool is_in(const std::array<CodeRange, n>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const CodeRange& range) { return c >= range.first && c <= range.last; });
}

bool between(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

/// Blocks in which the capital letters are the even (or the odd) code points and the small ones follow.
bool is_even_pair(char32_t c) {
  return between(c, 0x100, 0x12F) || between(c, 0x132, 0x137) || between(c, 0x14A, 0x177) ||
         between(c, 0x370, 0x373) || between(c, 0x376, 0x377) || between(c, 0x3D8, 0x3EF) ||
         between(c, 0x460, 0x481) || between(c, 0x48A, 0x4BF) || between(c, 0x4D0, 0x52F) ||
         between(c, 0x1E00, 0x1E95) || between(c, 0x1EA0, 0x1EFF);
}
bool is_odd_pair(char32_t c) {
  return between(c, 0x139, 0x148) || between(c, 0x179, 0x17E) || between(c, 0x4C1, 0x4CE);
}

/// Capital letters with a constant distance to the small ones.
struct CaseBlock {
  char32_t first;
  char32_t last;
  char32_t distance;
};
constexpr CaseBlock kCaseBlocks[] = {
    {'A', 'Z', 32},     {0xC0, 0xD6, 32},   {0xD8, 0xDE, 32},   {0x386, 0x386, 38},   {0x388, 0x38A, 37},
    {0x38C, 0x38C, 64}, {0x38E, 0x38F, 63}, {0x391, 0x3A1, 32}, {0x3A3, 0x3AB, 32},   {0x400, 0x40F, 80},
    {0x410, 0x42F, 32}, {0x4C0, 0x4C0, 15}, {0x531, 0x556, 48}, {0xFF21, 0xFF3A, 32},
};
constexpr char32_t kSharpS = 0xDF;
constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kSmallSigma = 0x3C3;

/// Characters that the rule of the final sigma looks through.
bool is_case_ignorable(char32_t c) {
  return c == '\'' || c == '.' || c == ':' || c == '^' || c == '`' || c == 0xA8 || c == 0xAD || c == 0xAF ||
         c == 0xB4 || c == 0xB7 || c == 0xB8 || between(c, 0x2B0, 0x36F) || c == 0x2019 || c == 0x200D;
}

bool ends_word(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::string& out, std::u32string_view text, std::size_t at) {
  if (text[at] == kCapitalSigma) {
    append_utf8(out, ends_word(text, at) ? kFinalSigma : kSmallSigma);
  } else if (text[at] == 0x130) {
    out += "i\xCC\x87";  // i and a combining dot
  } else {
    append_utf8(out, lower_of(text[at]));
  }
}

/// \param sharp_s  what it becomes: "SS", or "Ss" at the start of a title.
void append_upper(std::string& out, char32_t c, const char* sharp_s) {
  if (c == kSharpS) {
    out += sharp_s;
  } else {
    append_utf8(out, upper_of(c));
  }
}

}  // namespace

bool is_space(char32_t c) {
  static constexpr std::array<CodeRange, 10> kRanges = {{{0x9, 0xD},
                                                         {0x1C, 0x20},
                                                         {0x85, 0x85},
                                                         {0xA0, 0xA0},
                                                         {0x1680, 0x1680},
                                                         {0x2000, 0x200A},
                                                         {0x2028, 0x2029},
                                                         {0x202F, 0x202F},
                                                         {0x205F, 0x205F},
                                                         {0x3000, 0x3000}}};
  return is_in(kRanges, c);
}

bool is_line_break(char32_t c) {
  return between(c, 0xA, 0xD) || between(c, 0x1C, 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_printable(char32_t c) {
  // Categories Cc, Cf, Co, Zs, Zl, Zp of Unicode 15, and the code points that are no characters.
  static constexpr std::array<CodeRange, 32> kRanges = {
      {{0x0, 0x1F},        {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},      {0x61C, 0x61C},
       {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},      {0x1680, 0x1680},
       {0x180E, 0x180E},   {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},    {0x3000, 0x3000},
       {0xD800, 0xF8FF},   {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},    {0xFFFE, 0xFFFF},
       {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},  {0x1D173, 0x1D17A},
       {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF}, {0x3FFFE, 0xE00FF}, {0xE01F0, 0x10FFFF}, {0x378, 0x379},
       {0x380, 0x383},     {0x38B, 0x38B}}};
  return !is_in(kRanges, c);
}

int digit_value(char32_t c) {
  // The zeros of Unicode 14; nine digits follow each.
  static constexpr char32_t kZeros[] = {
      0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,   0xC66,
      0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,
      0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,
      0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
      0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
      0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};
  for (const char32_t zero : kZeros) {
    if (between(c, zero, zero + 9)) return static_cast<int>(c - zero);
  }
  return -1;
}

char32_t lower_of(char32_t c) {
  for (const auto& block : kCaseBlocks) {
    if (between(c, block.first, block.last)) return c + block.distance;
  }
  if (c == 0x178) return 0xFF;
  if (c == 0x1E9E) return kSharpS;
  if (c == 0x130) return 'i';
  if (is_even_pair(c)) return c | 1;
  if (is_odd_pair(c)) return c % 2 == 1 ? c + 1 : c;
  return c;
}

char32_t upper_of(char32_t c) {
  switch (c) {
    case 0xB5:
      return 0x39C;  // micro sign
    case 0xFF:
      return 0x178;
    case 0x131:
      return 'I';
    case 0x17F:
      return 'S';
    case kFinalSigma:
      return kCapitalSigma;
    case 0x130:
    case 0x1E9E:
      return c;
    default:
      break;
  }
  for (const auto& block : kCaseBlocks) {
    if (c >= block.distance && between(c - block.distance, block.first, block.last))
      return c - block.distance;
  }
  if (is_even_pair(c)) return c & ~char32_t{1};
  if (is_odd_pair(c)) return c % 2 == 0 ? c - 1 : c;
  return c;
}

bool is_cased(char32_t c) {
  return lower_of(c) != c || upper_of(c) != c || c == kSharpS || c == 0xAA || c == 0xBA || c == 0x138 ||
         c == 0x149;
}

std::u32string code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = *utf8_character_at(text, at);
    result.push_back(character.code_point);
    at += character.num_bytes;
  }
  return result;
}

std::string to_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) append_utf8(result, c);
  return result;
}

std::string upper(std::string_view text) {
  std::string result;
  for (const char32_t c : code_points(text)) append_upper(result, c, "SS");
  return result;
}

std::string lower(std::string_view text) {
  const std::u32string characters = code_points(text);
  std::string result;
  for (std::size_t i = 0; i < characters.size(); ++i) append_lower(result, characters, i);
  return result;
}

std::string capitalize(std::string_view text) {
  const std::u32string characters = code_points(text);
  std::string result;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i == 0) {
      append_upper(result, characters[i], "Ss");
    } else {
      append_lower(result, characters, i);
    }
  }
  return result;
}

std::string title(std::string_view text) {
  const std::u32string characters = code_points(text);
  std::string result;
  bool in_word = false;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (in_word) {
      append_lower(result, characters, i);
    } else {
      append_upper(result, characters[i], "Ss");
    }
    in_word = is_cased(characters[i]);
  }
  return result;
}

std::size_t num_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t seen = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((text[at] & 0xC0) != 0x80 && seen++ == index) return at;
  }
  return text.size();
}

namespace {

template <class Goes>
std::string_view strip_if(std::string_view text, Side side, const Goes& goes) {
  std::size_t first = 0;
  std::size_t last = text.size();
  while (side != Side::right && first < last) {
    const Utf8Character character = *utf8_character_at(text, first);
    if (!goes(character.code_point)) break;
    first += character.num_bytes;
  }
  while (side != Side::left && last > first) {
    std::size_t start = last - 1;
    while ((text[start] & 0xC0) == 0x80) --start;
    if (!goes(utf8_character_at(text, start)->code_point)) break;
    last = start;
  }
  return text.substr(first, last - first);
}

}  // namespace

std::string_view strip(std::string_view text, Side side) {
  return strip_if(text, side, is_space);
}

std::string_view strip(std::string_view text, std::string_view characters, Side side) {
  std::u32string set = code_points(characters);
  std::sort(set.begin(), set.end());
  return strip_if(text, side, [&](char32_t c) { return std::binary_search(set.begin(), set.end(), c); });
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = *utf8_character_at(text, at);
    std::size_t next = at + character.num_bytes;
    if (is_line_break(character.code_point)) {
      if (character.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.emplace_back(text.substr(start, (keep_ends ? next : at) - start));
      start = next;
    }
    at = next;
  }
  if (start < text.size()) lines.emplace_back(text.substr(start));
  return lines;
}

}  // namespace reckon::jinja
