#include "reckon/grade/grade.h"

#include <algorithm>
#include <optional>

#include "boxes.h"
#include "compare/answer_parts.h"
#include "compare/compare_answers.h"
#include "parse_answer.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

Grade grade_of(Equality equality) {
  switch (equality) {
    case Equality::equal:
      return Grade::equal;
    case Equality::different:
      return Grade::different;
    case Equality::refused:
      return Grade::refused;
    case Equality::timeout:
      return Grade::timeout;
    case Equality::undecided:
      break;
  }
  return Grade::undecided;
}

/// 1,22 and 0,111 but not 7,425,000 or 1, 22: a comma that may be a decimal point.
bool may_have_decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos || text.find(',', comma + 1) != std::string_view::npos) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string_view whole = text.substr(0, comma);
  if (whole.starts_with('-') || whole.starts_with('+')) whole.remove_prefix(1);
  const std::string_view fraction = text.substr(comma + 1);
  return !whole.empty() && !fraction.empty() && std::all_of(whole.begin(), whole.end(), is_digit) &&
         std::all_of(fraction.begin(), fraction.end(), is_digit);
}

/// A short run of digits after an optional minus, without a leading zero: most answers. Empty where it is
/// none.
std::string_view plain_integer(std::string_view text) {
  constexpr std::size_t kMaxLength = 40;
  if (text.empty() || text.size() > kMaxLength) return {};
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || digits[0] == '0') return {};
  return std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })
             ? text
             : std::string_view{};
}

/// \boxed{} and nothing else.
bool is_empty_box(std::string_view text) {
  const std::vector<Box> boxes = find_boxes(text, DoubledBackslash::begins_command);
  return boxes.size() == 1 && trim_blanks(boxes[0].content).empty() && boxes[0].begin == 0 &&
         boxes[0].end == text.size();
}

}  // namespace

struct GoldAnswer::Parsed {
  GradeOptions options;
  std::string_view integer;  // of text, where it is a plain integer; text does not move
  std::string text;
  std::string problem;
  std::vector<Expr> readings;  // two where a comma can be read in two ways
};

GoldAnswer::GoldAnswer(std::string_view text, const GradeOptions& options)
    : parsed_(std::make_unique<Parsed>()) {
  parsed_->options = options;
  parsed_->text = trim_blanks(text);
  parsed_->integer = plain_integer(parsed_->text);
  ParsedAnswer parsed = parse_answer(parsed_->text);
  if (parsed.status == ParseStatus::ok) parsed_->readings.push_back(std::move(parsed.expr));
  if (may_have_decimal_comma(parsed_->text)) {
    ParsedAnswer decimal = parse_answer(parsed_->text, Comma::is_decimal_point);
    if (decimal.status == ParseStatus::ok) parsed_->readings.push_back(std::move(decimal.expr));
  }
  if (parsed.status == ParseStatus::ok) {
    parsed.reason = without_value(parsed_->readings[0]);
    if (!parsed.reason.empty()) parsed_->readings.clear();
  }
  if (parsed_->readings.empty())
    parsed_->problem = parsed.status == ParseStatus::empty ? "is blank" : parsed.reason;
}

GoldAnswer::~GoldAnswer() = default;
GoldAnswer::GoldAnswer(GoldAnswer&&) noexcept = default;
GoldAnswer& GoldAnswer::operator=(GoldAnswer&&) noexcept = default;

bool GoldAnswer::is_list() const {
  return is_readable() && is_collection(parsed_->readings[0]);
}

bool GoldAnswer::is_readable() const {
  return !parsed_->readings.empty();
}

const std::string& GoldAnswer::problem() const {
  return parsed_->problem;
}

GradeResult GoldAnswer::grade(std::string_view pred) const {
  if (!is_readable()) return {Grade::gold_unparseable, "gold: " + parsed_->problem};
  const std::string_view text = trim_blanks(pred);
  if (text.empty()) return {Grade::no_answer, "the answer is blank"};
  if (!parsed_->integer.empty() && !plain_integer(text).empty()) {
    return {text == parsed_->integer ? Grade::equal : Grade::different, ""};
  }
  const ParsedAnswer parsed = parse_answer(text);
  switch (parsed.status) {
    case ParseStatus::empty:
      return {Grade::no_answer, "the answer is blank"};
    case ParseStatus::refused:
      return {Grade::refused, parsed.reason};
    case ParseStatus::malformed:
      if (is_empty_box(text)) return {Grade::no_answer, "the answer is blank"};
      return {Grade::different, parsed.reason};
    case ParseStatus::ok:
      break;
  }
  if (std::string reason = without_value(parsed.expr); !reason.empty())
    return {Grade::different, std::move(reason)};
  Equality equality = Equality::different;
  for (const Expr& reading : parsed_->readings) {
    equality = compare_answers(reading, parsed.expr, parsed_->options);
    if (equality == Equality::equal) return {Grade::equal, ""};
  }
  if (may_have_decimal_comma(text)) {
    const ParsedAnswer decimal = parse_answer(text, Comma::is_decimal_point);
    if (decimal.status == ParseStatus::ok) {
      equality = compare_answers(parsed_->readings.back(), decimal.expr, parsed_->options);
    }
  }
  return {grade_of(equality), ""};
}

namespace {

/// The completions of a group come one after the other: the last gold of the thread is kept.
const GoldAnswer& last_gold(std::string_view text) {
  struct Cached {
    std::string text;
    GoldAnswer gold;
  };
  thread_local std::optional<Cached> last;
  if (!last || last->text != text) last.emplace(Cached{std::string(text), GoldAnswer(text)});
  return last->gold;
}

}  // namespace

Grade grade_answer(std::string_view gold, std::string_view pred) {
  return last_gold(gold).grade(pred).grade;
}

bool is_list_answer(std::string_view gold) {
  return last_gold(gold).is_list();
}

}  // namespace reckon
