#include "number_answer.h"

#include <numeric>
#include <optional>

#include "reckon/grade/extract.h"
#include "reckon/grade/number.h"

namespace reckon {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "-3/4" for "-\frac{3}{4}", \dfrac and \tfrac alike; anything else as it is.
std::string without_frac(std::string_view text) {
  std::string_view rest = text;
  const bool is_negative = rest.starts_with('-');
  if (is_negative) rest = trim_blanks(rest.substr(1));
  for (const std::string_view command : {"\\frac{", "\\dfrac{", "\\tfrac{"}) {
    if (!rest.starts_with(command) || !rest.ends_with('}')) continue;
    const std::string_view inner = rest.substr(command.size(), rest.size() - command.size() - 1);
    const std::size_t middle = inner.find("}{");
    if (middle == std::string_view::npos) break;
    const std::string_view top = inner.substr(0, middle);
    const std::string_view bottom = inner.substr(middle + 2);
    if (!all_digits(top) || !all_digits(bottom)) break;
    return (is_negative ? "-" : "") + std::string(top) + "/" + std::string(bottom);
  }
  return std::string(text);
}

Grade grade_number(const std::string& gold, std::string_view answer, bool may_divide) {
  const std::string_view text = trim_blanks(answer);
  if (text.empty()) return Grade::no_answer;
  if (!may_divide && text.find('/') != std::string_view::npos) return Grade::different;
  const std::string plain = may_divide ? without_frac(text) : std::string(text);
  return compare_numbers(gold, plain);
}

}  // namespace

Grade grade_whole(std::int64_t gold, std::string_view answer) {
  return grade_number(std::to_string(gold), answer, false);
}

std::string ratio_text(const Ratio& ratio) {
  const std::int64_t divisor = std::gcd(ratio.numerator, ratio.denominator);
  const std::string top = std::to_string(ratio.numerator / divisor);
  return ratio.denominator == divisor ? top : top + "/" + std::to_string(ratio.denominator / divisor);
}

Grade grade_ratio(const Ratio& gold, std::string_view answer) {
  return grade_number(ratio_text(gold), answer, true);
}

}  // namespace reckon
