#include "characters.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

#include "unicode_tables.h"

namespace reckon {
namespace {

struct Sign {
  std::uint32_t code;
  std::string_view form;
};

/// Signs that are no compatible form of ASCII, or one with a meaning of its own. Sorted.
constexpr Sign kSigns[] = {
    {0xA2, "\\text{ cents}"},
    {0xA3, "\\pounds "},
    {0xA5, "\\yen "},
    {0xAC, "\\neg "},
    {0xB0, "^\\circ "},
    {0xB1, "\\pm "},
    {0xB7, "\\cdot "},
    {0xD7, "\\times "},
    {0xF7, "\\div "},
    {0x190, "\\epsilon "},
    {0x25B, "\\epsilon "},
    {0x2010, "-"},
    {0x2011, "-"},
    {0x2012, "-"},
    {0x2013, "-"},
    {0x2014, "-"},
    {0x2016, "\\|"},
    {0x2018, "'"},
    {0x2019, "'"},
    {0x201C, "\""},
    {0x201D, "\""},
    {0x2022, "\\cdot "},
    {0x2026, "\\ldots "},
    {0x2032, "'"},
    {0x2033, "''"},
    {0x2044, "/"},
    {0x20AC, "\\euro "},
    {0x2102, "\\mathbb{C}"},
    {0x2103, "^\\circ C"},
    {0x2115, "\\mathbb{N}"},
    {0x211A, "\\mathbb{Q}"},
    {0x211D, "\\mathbb{R}"},
    {0x2124, "\\mathbb{Z}"},
    {0x2190, "\\leftarrow "},
    {0x2192, "\\to "},
    {0x21A6, "\\mapsto "},
    {0x21D2, "\\implies "},
    {0x21D4, "\\iff "},
    {0x2202, "\\partial "},
    {0x2205, "\\emptyset "},
    {0x2206, "\\Delta "},
    {0x2208, "\\in "},
    {0x2209, "\\notin "},
    {0x220F, "\\prod "},
    {0x2211, "\\sum "},
    {0x2212, "-"},
    {0x2213, "\\mp "},
    {0x2215, "/"},
    {0x2216, "\\setminus "},
    {0x2217, "*"},
    {0x2218, "\\circ "},
    {0x2219, "\\cdot "},
    {0x221A, "\\sqrt "},
    {0x221B, "\\cbrt "},
    {0x221D, "\\propto "},
    {0x221E, "\\infty "},
    {0x2220, "\\angle "},
    {0x2223, "\\mid "},
    {0x2225, "\\parallel "},
    {0x2227, "\\land "},
    {0x2228, "\\lor "},
    {0x2229, "\\cap "},
    {0x222A, "\\cup "},
    {0x222B, "\\int "},
    {0x2236, ":"},
    {0x223C, "\\sim "},
    {0x2245, "\\cong "},
    {0x2248, "\\approx "},
    {0x2260, "\\ne "},
    {0x2261, "\\equiv "},
    {0x2264, "\\le "},
    {0x2265, "\\ge "},
    {0x2266, "\\le "},
    {0x2267, "\\ge "},
    {0x2282, "\\subset "},
    {0x2283, "\\supset "},
    {0x2286, "\\subseteq "},
    {0x2287, "\\supseteq "},
    {0x22A5, "\\perp "},
    {0x22C5, "\\cdot "},
    {0x22EF, "\\cdots "},
    {0x2308, "\\lceil "},
    {0x2309, "\\rceil "},
    {0x230A, "\\lfloor "},
    {0x230B, "\\rfloor "},
    {0x25B3, "\\triangle "},
    {0x27E8, "\\langle "},
    {0x27E9, "\\rangle "},
    {0x2A7D, "\\le "},
    {0x2A7E, "\\ge "},
    {0x3001, ","},
    {0x3002, "."},
};

constexpr std::uint32_t kFirstGreek = 0x391;
constexpr std::uint32_t kLastGreek = 0x3C9;
/// From capital alpha; "" where there is no letter. The sixth after capital omega and the rest are accented
/// ones.
constexpr std::string_view kGreek[] = {"alpha",   "beta", "gamma", "delta",  "epsilon", "zeta", "eta",
                                       "theta",   "iota", "kappa", "lambda", "mu",      "nu",   "xi",
                                       "omicron", "pi",   "rho",   "",       "sigma",   "tau",  "upsilon",
                                       "phi",     "chi",  "psi",   "omega"};

/// The letter as a command, "" where it is no letter of the plain Greek alphabet.
std::string greek_command(std::uint32_t code) {
  const bool small = code >= 0x3B1;
  const std::size_t at = code - (small ? 0x3B1 : kFirstGreek);
  if (at >= std::size(kGreek)) return {};
  std::string name(small && code == 0x3C2 ? "sigma" : kGreek[at]);
  if (name.empty()) return {};
  if (!small) name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return "\\" + name + " ";
}

bool in_runs(std::span<const answer_tables::CodeRun> runs, std::uint32_t code) {
  const auto after = std::upper_bound(runs.begin(), runs.end(), code,
                                      [](std::uint32_t c, const auto& run) { return c < run.first; });
  return after != runs.begin() && code <= std::prev(after)->last;
}

/// The next code point of UTF-8, and how many bytes it has; 0 bytes where it is malformed.
struct CodePoint {
  std::uint32_t code = 0;
  std::size_t num_bytes = 0;
};
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  std::uint32_t code = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, size};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string hexadecimal(std::uint32_t code) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "U+%04X", code);
  return text.data();
}

enum Script : unsigned { kNone = 0, kLatin = 1, kGreekLookAlike = 2, kCyrillic = 4 };

/// Greek letters that look like Latin ones; the others stand beside Latin letters in formulas: 2πr.
bool looks_latin(std::uint32_t code) {
  constexpr std::u32string_view kLookAlikes = U"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο";
  return kLookAlikes.find(static_cast<char32_t>(code)) != std::u32string_view::npos;
}

class PlainWriter {
 public:
  explicit PlainWriter(PlainText& result) : result_(result) {}

  void write(std::string_view text) {
    while (!text.empty() && !result_.refused) {
      const CodePoint point = decode(text);
      if (point.num_bytes == 0) return refuse("a byte that is no UTF-8");
      if (point.code < 0x80) {
        write_ascii(text[0]);
      } else {
        write_other(point.code, text.substr(0, point.num_bytes));
      }
      text.remove_prefix(point.num_bytes);
    }
    end_script();
  }

 private:
  void refuse(std::string reason) {
    result_.refused = true;
    result_.reason = std::move(reason);
  }

  void write_ascii(char c) {
    end_script();
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank && (c < 0x20 || c == 0x7F)) {
      return refuse("control character " + hexadecimal(static_cast<std::uint8_t>(c)));
    }
    see_script(is_letter(c) ? kLatin : kNone, is_letter(c));
    append(blank ? ' ' : c);
  }

  void append(char c) {
    std::string& text = result_.text;
    if (deleted_ && is_digit(c) && !text.empty() && is_digit(text.back())) {
      return refuse("an invisible character between two digits");
    }
    deleted_ = false;
    text.push_back(c);
  }
  void append(std::string_view form) {
    for (const char c : form) append(c);
  }

  void write_other(std::uint32_t code, std::string_view bytes) {
    using namespace answer_tables;
    const auto* const sign = std::lower_bound(std::begin(kSigns), std::end(kSigns), code,
                                              [](const Sign& s, std::uint32_t c) { return s.code < c; });
    if (sign != std::end(kSigns) && sign->code == code) {
      see_script(kNone, false);
      if (end_script(); !result_.refused) append(sign->form);
      return;
    }
    const auto forms = compatible();
    const auto form =
        std::lower_bound(forms.begin(), forms.end(), code,
                         [](const Compatible& c, std::uint32_t wanted) { return c.code < wanted; });
    if (form != forms.end() && form->code == code) return write_compatible(*form);
    if (in_runs(format_characters(), code)) {
      deleted_ = true;
      return;
    }
    if (!in_runs(letters(), code)) return refuse("the character " + hexadecimal(code));
    end_script();
    write_letter(code, bytes);
  }

  void write_letter(std::uint32_t code, std::string_view bytes) {
    if (code >= kFirstGreek && code <= kLastGreek) {
      see_script(looks_latin(code) ? kGreekLookAlike : kNone, true);
      const std::string command = greek_command(code);
      return append(command.empty() ? bytes : std::string_view(command));
    }
    const bool latin = code < 0x250 || (code >= 0x1E00 && code < 0x1F00);
    const bool cyrillic = code >= 0x400 && code < 0x530;
    see_script(latin ? kLatin : cyrillic ? kCyrillic : kNone, true);
    append(bytes);
  }

  void write_compatible(const answer_tables::Compatible& entry) {
    const std::string_view form = entry.form;
    if (entry.kind == 3) {  // 1/2; U+215F is "1/"
      end_script();
      const std::size_t slash = form.find('/');
      append("\\frac{" + std::string(form.substr(0, slash)) + "}{" + std::string(form.substr(slash + 1)) +
             "}");
      return;
    }
    if (entry.kind == 0) {
      end_script();
      const bool single = form.size() == 1;
      if (single && form[0] != ' ') return write_ascii(form[0]);
      return write(form);
    }
    if (script_ == entry.kind) {  // one more in the same braces
      result_.text.pop_back();
    } else {
      end_script();
      append(entry.kind == 1 ? "^{" : "_{");
    }
    append(form);
    append('}');
    script_ = entry.kind;
  }

  void end_script() { script_ = 0; }

  /// A run of letters of two alphabets that look alike is no name that anyone writes.
  void see_script(Script script, bool letter) {
    scripts_ = letter ? scripts_ | script : 0U;
    if ((scripts_ & (scripts_ - 1)) != 0) refuse("a word of letters of two alphabets that look alike");
  }

  PlainText& result_;
  bool deleted_ = false;      // a character of category Cf stood here
  std::uint8_t script_ = 0;   // 1 or 2 behind a raised or lowered character: ...}
  unsigned scripts_ = kNone;  // of the run of letters so far
};

}  // namespace

PlainText plain_text(std::string_view text) {
  PlainText result;
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (plain) return result;
  result.changed = true;
  result.text.reserve(text.size() + 16);
  PlainWriter(result).write(text);
  return result;
}

std::string fold_case(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const std::size_t size = std::max<std::size_t>(point.num_bytes, 1);
    const auto pairs = answer_tables::lower_case();
    const auto pair = std::lower_bound(pairs.begin(), pairs.end(), point.code,
                                       [](const auto& p, std::uint32_t code) { return p.first < code; });
    if (point.num_bytes < 2) {
      const char c = text[0];
      folded.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    } else if (pair != pairs.end() && pair->first == point.code) {  // up to U+05FF: two bytes
      folded.push_back(static_cast<char>(0xC0 | pair->last >> 6));
      folded.push_back(static_cast<char>(0x80 | (pair->last & 0x3F)));
    } else {
      folded += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return folded;
}

}  // namespace reckon
