#include "comparison.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "reckon/base/error.h"

namespace reckon::selftest {
namespace {

constexpr const char* kBreakVariable = "RECKON_SELFTEST_BREAK";

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
std::uint32_t bits_of(std::uint32_t value) {
  return value;
}

std::string text_of(float value) {
  char text[64];
  std::snprintf(text, sizeof text, "%a (bits %08x)", static_cast<double>(value), bits_of(value));
  return text;
}
std::string text_of(std::uint32_t value) {
  return std::to_string(value);
}

}  // namespace

Breakage breakage() {
  const char* variable = std::getenv(kBreakVariable);
  if (variable == nullptr || *variable == '\0') return {};
  const std::string text = variable;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1};
  const std::string digits = text.substr(colon + 1);
  const bool is_number = !digits.empty() && digits.size() < 7 &&
                         digits.find_first_not_of("0123456789") == std::string::npos &&
                         std::stoul(digits) > 0;
  if (!is_number) {
    throw Error(ExitCode::usage, std::string(kBreakVariable) + ": " + in_quotes(text) +
                                     " (need the name of a property, or name:number with a number from 1)");
  }
  return {text.substr(0, colon), std::stoul(digits)};
}

Comparison::Comparison(std::string_view property) {
  const Breakage broken = breakage();
  if (broken.property == property) break_at_ = broken.number;
}

bool Comparison::breaks_next() {
  return ++number_ == break_at_;
}

void Comparison::fail(const std::string& detail) {
  if (detail_.empty()) detail_ = detail;
}

template <class T>
void Comparison::compare(const std::string& what, Side<T> left, Side<T> right) {
  std::vector<T> flipped;
  if (breaks_next() && !right.values.empty()) {
    flipped.assign(right.values.begin(), right.values.end());
    T& value = flipped[flipped.size() / 2];
    value = std::bit_cast<T>(bits_of(value) ^ 1U);
    right.values = flipped;
  }
  num_values_ += left.values.size();
  if (left.values.size() != right.values.size() || left.values.empty()) {
    fail(what + ": " + std::to_string(left.values.size()) + " values " + std::string(left.name) + ", " +
         std::to_string(right.values.size()) + " " + std::string(right.name) +
         " (need as many, and at least one)");
    return;
  }
  for (std::size_t i = 0; i < left.values.size(); ++i) {
    if (bits_of(left.values[i]) == bits_of(right.values[i])) continue;
    fail(what + ": value " + std::to_string(i) + " of " + std::to_string(left.values.size()) + " is " +
         text_of(left.values[i]) + " " + std::string(left.name) + ", " + text_of(right.values[i]) + " " +
         std::string(right.name));
    return;
  }
}

void Comparison::floats(const std::string& what, Side<float> left, Side<float> right) {
  compare(what, left, right);
}

void Comparison::tokens(const std::string& what, Side<std::uint32_t> left, Side<std::uint32_t> right) {
  compare(what, left, right);
}

void Comparison::text(const std::string& what, const std::string& left_name, const std::string& left,
                      const std::string& right_name, const std::string& right) {
  std::string other = right;
  if (breaks_next()) {
    if (other.empty()) other = " ";
    other[other.size() / 2] ^= 1;
  }
  ++num_values_;
  if (left == other) return;
  fail(what + ": " + in_quotes(left) + " " + left_name + ", " + in_quotes(other) + " " + right_name);
}

Outcome Comparison::outcome(std::string compared) const {
  if (!skipped_.empty()) return skipped(skipped_);
  if (has_failed()) return {Result::fail, std::move(compared), detail_};
  return {Result::pass, std::move(compared), ""};
}

}  // namespace reckon::selftest
