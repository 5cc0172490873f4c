// The language term: which script the letters of a completion are of.
#include <algorithm>
#include <array>
#include <span>

#include "reckon/reward/terms.h"
#include "reckon/text/letter.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

struct Range {
  char32_t first = 0;
  char32_t last = 0;
};

// Blocks of Unicode 15. Punctuation, digits and signs in them are no letters: see is_of().
constexpr std::array kLatin = {Range{0x41, 0x5A},     Range{0x61, 0x7A},     Range{0xAA, 0xAA},
                               Range{0xBA, 0xBA},     Range{0xC0, 0x24F},    Range{0x1E00, 0x1EFF},
                               Range{0x2C60, 0x2C7F}, Range{0xA720, 0xA7FF}, Range{0xFF21, 0xFF5A}};
constexpr std::array kHan = {Range{0x3005, 0x3007}, Range{0x3400, 0x4DBF}, Range{0x4E00, 0x9FFF},
                             Range{0xF900, 0xFAFF}, Range{0x20000, 0x323AF}};
constexpr std::array kJapanese = {Range{0x3005, 0x3007}, Range{0x3041, 0x30FF},  Range{0x31F0, 0x31FF},
                                  Range{0x3400, 0x4DBF}, Range{0x4E00, 0x9FFF},  Range{0xF900, 0xFAFF},
                                  Range{0xFF66, 0xFF9F}, Range{0x20000, 0x323AF}};
constexpr std::array kHangul = {Range{0x1100, 0x11FF}, Range{0x3131, 0x318E}, Range{0xA960, 0xA97F},
                                Range{0xAC00, 0xD7FF}};
constexpr std::array kCyrillic = {Range{0x400, 0x52F}, Range{0x1C80, 0x1C8F}, Range{0x2DE0, 0x2DFF},
                                  Range{0xA640, 0xA69F}};
constexpr std::array kGreek = {Range{0x370, 0x3FF}, Range{0x1F00, 0x1FFF}};
constexpr std::array kArabic = {Range{0x600, 0x6FF}, Range{0x750, 0x77F}, Range{0x8A0, 0x8FF},
                                Range{0xFB50, 0xFDFF}, Range{0xFE70, 0xFEFC}};
constexpr std::array kHebrew = {Range{0x5D0, 0x5F2}, Range{0xFB1D, 0xFB4F}};
constexpr std::array kDevanagari = {Range{0x900, 0x963}, Range{0x971, 0x97F}, Range{0xA8E0, 0xA8FF}};
constexpr std::array kThai = {Range{0xE01, 0xE3A}, Range{0xE40, 0xE4E}};

std::span<const Range> ranges_of(Script script) {
  switch (script) {
    case Script::latin:
      return kLatin;
    case Script::han:
      return kHan;
    case Script::japanese:
      return kJapanese;
    case Script::hangul:
      return kHangul;
    case Script::cyrillic:
      return kCyrillic;
    case Script::greek:
      return kGreek;
    case Script::arabic:
      return kArabic;
    case Script::hebrew:
      return kHebrew;
    case Script::devanagari:
      return kDevanagari;
    case Script::thai:
      return kThai;
  }
  return {};
}

/// Signs of vowels and tones, which belong to the letters of these scripts but are no letters of Unicode.
bool is_vowel_sign(char32_t c) {
  return (c >= 0x900 && c <= 0x963) || (c >= 0xE31 && c <= 0xE4E);
}

bool is_ascii_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Goes over a text and counts.
class LetterCounter {
 public:
  LetterCounter(std::string_view text, Script script) : text_(text), ranges_(ranges_of(script)) {}

  double share() {
    while (at_ < text_.size()) {
      if (skip_tag() || skip_command()) continue;
      const auto character = utf8_character_at(text_, at_);
      at_ += character ? character->num_bytes : 1;
      enter(character ? character->code_point : 0xFFFD);
    }
    end_word();
    return letters_ == 0 ? 0.0 : static_cast<double>(of_script_) / static_cast<double>(letters_);
  }

 private:
  bool skip_tag() {
    for (const std::string_view tag : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose}) {
      if (!text_.substr(at_).starts_with(tag)) continue;
      at_ += tag.size();
      end_word();
      return true;
    }
    return false;
  }

  bool skip_command() {
    if (text_[at_] != '\\') return false;
    ++at_;
    while (at_ < text_.size() && is_ascii_letter(static_cast<unsigned char>(text_[at_]))) ++at_;
    end_word();
    return true;
  }

  void enter(char32_t c) {
    if (c != 0xFFFD && !is_letter(c) && !is_vowel_sign(c)) {
      end_word();
      return;
    }
    const bool inside = std::any_of(ranges_.begin(), ranges_.end(),
                                    [c](const Range& range) { return c >= range.first && c <= range.last; });
    if (is_ascii_letter(c) != word_is_ascii_) end_word();  // "设x为": x stands alone
    word_is_ascii_ = is_ascii_letter(c);
    ++word_letters_;
    word_of_script_ += inside ? 1 : 0;
  }

  void end_word() {
    if (!word_is_ascii_ || word_letters_ > 1) {
      letters_ += word_letters_;
      of_script_ += word_of_script_;
    }
    word_letters_ = word_of_script_ = 0;
  }

  std::string_view text_;
  std::span<const Range> ranges_;
  std::size_t at_ = 0;
  std::size_t letters_ = 0, of_script_ = 0;
  std::size_t word_letters_ = 0, word_of_script_ = 0;  // of the row of letters that is being read
  bool word_is_ascii_ = false;
};

}  // namespace

double script_share(std::string_view text, Script script) {
  return LetterCounter(text, script).share();
}

}  // namespace reckon
