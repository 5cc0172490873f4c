#include "search_expression.h"

#include <algorithm>

#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxBytes = 400;
constexpr std::size_t kMaxLiterals = 24;
constexpr int kMaxDepth = 24;
constexpr std::size_t kMaxDigits = 4;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Recursive descent. A failed reading leaves failed_ set; values are then of no account.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(text) {}

  std::optional<SearchExpression> run() {
    const SearchFraction value = sum(0);
    if (!failed_ && take('=')) {
      const std::optional<int> stated = number();
      if (!stated || SearchFraction{*stated, 1} != value) failed_ = true;
    }
    skip_blanks();
    if (failed_ || at_ != text_.size()) return std::nullopt;
    return SearchExpression{value, literals_};
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  /// Takes one token if it is the wanted one.
  bool take(char wanted) {
    skip_blanks();
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(wanted)) {
      ++at_;
      return true;
    }
    const std::string_view synonym = wanted == '*'   ? "\xC3\x97"      // multiplication sign
                                     : wanted == '/' ? "\xC3\xB7"      // division sign
                                     : wanted == '-' ? "\xE2\x88\x92"  // minus sign
                                                     : "";
    if (synonym.empty() || !rest.starts_with(synonym)) return false;
    at_ += synonym.size();
    return true;
  }
  std::optional<int> number() {
    skip_blanks();
    const std::size_t begin = at_;
    int value = 0;
    while (at_ < text_.size() && is_digit(text_[at_]) && at_ - begin < kMaxDigits) {
      value = 10 * value + (text_[at_++] - '0');
    }
    const bool leading_zero = at_ - begin > 1 && text_[begin] == '0';
    const bool too_long = at_ < text_.size() && is_digit(text_[at_]);
    if (at_ == begin || leading_zero || too_long) return std::nullopt;
    return value;
  }
  SearchFraction fail() {
    failed_ = true;
    return {};
  }
  SearchFraction apply(SearchFraction left, char operation, SearchFraction right) {
    if (failed_) return {};
    const auto value = apply_operation(left, operation, right);
    return value ? *value : fail();
  }
  SearchFraction sum(int depth) {
    SearchFraction value = product(depth);
    while (!failed_) {
      if (take('+')) {
        value = apply(value, '+', product(depth));
      } else if (take('-')) {
        value = apply(value, '-', product(depth));
      } else {
        break;
      }
    }
    return value;
  }
  SearchFraction product(int depth) {
    SearchFraction value = operand(depth);
    while (!failed_) {
      if (take('*')) {
        value = apply(value, '*', operand(depth));
      } else if (take('/')) {
        value = apply(value, '/', operand(depth));
      } else {
        break;
      }
    }
    return value;
  }
  SearchFraction operand(int depth) {
    if (take('(')) {
      if (depth == kMaxDepth) return fail();
      const SearchFraction value = sum(depth + 1);
      return !failed_ && take(')') ? value : fail();
    }
    const std::optional<int> literal = number();
    if (!literal || literals_.size() == kMaxLiterals) return fail();
    literals_.push_back(*literal);
    return {*literal, 1};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
  std::vector<int> literals_;
};

}  // namespace

std::optional<SearchExpression> read_expression(std::string_view text) {
  text = trim_blanks(text);
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.size() > kMaxBytes) return std::nullopt;
  return ExpressionReader(text).run();
}

Grade grade_expression(std::string_view answer, std::span<const int> numbers, NumbersUsed used, int target) {
  if (trim_blanks(answer).empty()) return Grade::no_answer;
  std::optional<SearchExpression> expression = read_expression(answer);
  if (!expression || expression->value != SearchFraction{target, 1}) return Grade::different;
  std::vector<int> given(numbers.begin(), numbers.end());
  std::sort(given.begin(), given.end());
  std::vector<int>& literals = expression->literals;
  std::sort(literals.begin(), literals.end());
  const bool allowed = used == NumbersUsed::all
                           ? literals == given
                           : std::includes(given.begin(), given.end(), literals.begin(), literals.end());
  return allowed ? Grade::equal : Grade::different;
}

}  // namespace reckon
