#include "words.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace reckon {
namespace {

using enum WordClass;

constexpr WordEntry kWords[] = {
    {"a.m.", am_pm, 0},
    {"always", statement, 0},
    {"am", am_pm, 0},
    {"and", conjunction, 0},
    {"are", condition, 0},
    {"base", base, 0},
    {"billion", magnitude, 9},
    {"billions", magnitude, 9},
    {"cubed", power, 3},
    {"cubic", square, 3},
    {"dne", statement, 0},
    {"eight", number, 8},
    {"eighteen", number, 18},
    {"eighty", number, 80},
    {"eleven", number, 11},
    {"else", condition, 0},
    {"even", statement, 0},
    {"false", statement, 0},
    {"fifteen", number, 15},
    {"fifty", number, 50},
    {"five", number, 5},
    {"for", condition, 0},
    {"forty", number, 40},
    {"four", number, 4},
    {"fourteen", number, 14},
    {"hundred", hundred, 2},
    {"if", condition, 0},
    {"is", condition, 0},
    {"million", magnitude, 6},
    {"millions", magnitude, 6},
    {"never", statement, 0},
    {"nine", number, 9},
    {"nineteen", number, 19},
    {"ninety", number, 90},
    {"no", statement, 0},
    {"none", statement, 0},
    {"odd", statement, 0},
    {"one", number, 1},
    {"or", disjunction, 0},
    {"otherwise", condition, 0},
    {"p.m.", am_pm, 0},
    {"per", per, 0},
    {"percent", percent, 0},
    {"pm", am_pm, 0},
    {"seven", number, 7},
    {"seventeen", number, 17},
    {"seventy", number, 70},
    {"six", number, 6},
    {"sixteen", number, 16},
    {"sixty", number, 60},
    {"sq", square, 2},
    {"square", square, 2},
    {"squared", power, 2},
    {"ten", number, 10},
    {"that", condition, 0},
    {"the", condition, 0},
    {"thirteen", number, 13},
    {"thirty", number, 30},
    {"thousand", magnitude, 3},
    {"thousands", magnitude, 3},
    {"three", number, 3},
    {"trillion", magnitude, 12},
    {"trillions", magnitude, 12},
    {"true", statement, 0},
    {"twelve", number, 12},
    {"twenty", number, 20},
    {"two", number, 2},
    {"undefined", statement, 0},
    {"when", condition, 0},
    {"where", condition, 0},
    {"with", condition, 0},
    {"yes", statement, 0},
    {"zero", number, 0},
};

constexpr FunctionEntry kFunctions[] = {
    {"Im", Op::imaginary_part}, {"Re", Op::real_part},   {"abs", Op::absolute},  {"acos", Op::arccos},
    {"arccos", Op::arccos},     {"arccosh", Op::arcosh}, {"arccot", Op::arccot}, {"arccoth", Op::arcoth},
    {"arccsc", Op::arccsc},     {"arccsch", Op::arcsch}, {"arcctg", Op::arccot}, {"arcosh", Op::arcosh},
    {"arcoth", Op::arcoth},     {"arcsch", Op::arcsch},  {"arcsec", Op::arcsec}, {"arcsech", Op::arsech},
    {"arcsin", Op::arcsin},     {"arcsinh", Op::arsinh}, {"arctan", Op::arctan}, {"arctanh", Op::artanh},
    {"arctg", Op::arctan},      {"arsech", Op::arsech},  {"arsinh", Op::arsinh}, {"artanh", Op::artanh},
    {"asin", Op::arcsin},       {"atan", Op::arctan},    {"ceil", Op::ceil},     {"ceiling", Op::ceil},
    {"cos", Op::cos},           {"cosec", Op::csc},      {"cosh", Op::cosh},     {"cot", Op::cot},
    {"coth", Op::coth},         {"csc", Op::csc},        {"csch", Op::csch},     {"ctg", Op::cot},
    {"exp", Op::exp},           {"floor", Op::floor},    {"gcd", Op::gcd},       {"lcm", Op::lcm},
    {"lg", Op::log10},          {"ln", Op::ln},          {"log", Op::log10},     {"max", Op::max},
    {"min", Op::min},           {"mod", Op::mod},        {"sec", Op::sec},       {"sech", Op::sech},
    {"sgn", Op::sign},          {"sign", Op::sign},      {"sin", Op::sin},       {"sinh", Op::sinh},
    {"tan", Op::tan},           {"tanh", Op::tanh},      {"tg", Op::tan},
};

constexpr std::string_view kGreekNames[] = {"alpha", "beta",  "chi",    "delta", "epsilon", "eta", "gamma",
                                            "iota",  "kappa", "lambda", "omega", "omicron", "phi", "psi",
                                            "rho",   "sigma", "tau",    "theta", "upsilon", "zeta"};

template <typename Entry, std::size_t size>
constexpr bool sorted_by(const Entry (&entries)[size], std::string_view Entry::*key) {
  for (std::size_t i = 1; i < size; ++i) {
    if (!(entries[i - 1].*key < entries[i].*key)) return false;
  }
  return true;
}
static_assert(sorted_by(kWords, &WordEntry::word));
static_assert(sorted_by(kFunctions, &FunctionEntry::name));
static_assert(std::is_sorted(std::begin(kGreekNames), std::end(kGreekNames)));

template <typename Entry, std::size_t size>
const Entry* find_entry(const Entry (&entries)[size], std::string_view Entry::*key, std::string_view wanted) {
  const Entry* const found =
      std::lower_bound(std::begin(entries), std::end(entries), wanted,
                       [key](const Entry& entry, std::string_view w) { return entry.*key < w; });
  return found != std::end(entries) && found->*key == wanted ? found : nullptr;
}

}  // namespace

std::optional<WordEntry> find_word(std::string_view lower) {
  const WordEntry* const found = find_entry(kWords, &WordEntry::word, lower);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::optional<Op> find_function(std::string_view name) {
  const FunctionEntry* const found = find_entry(kFunctions, &FunctionEntry::name, name);
  if (found == nullptr) return std::nullopt;
  return found->op;
}

std::optional<FunctionEntry> function_prefix(std::string_view text) {
  constexpr std::size_t kLongest = 7;
  for (std::size_t size = std::min(text.size(), kLongest); size >= 2; --size) {
    const std::string_view name = text.substr(0, size);
    if (name == "Re" || name == "Im" || name == "lg" || name == "tg" || name == "sign") continue;
    if (const auto op = find_function(name)) return FunctionEntry{name, *op};
  }
  return std::nullopt;
}

std::string_view greek_prefix(std::string_view text) {
  std::string_view longest;
  for (const std::string_view name : kGreekNames) {
    if (text.starts_with(name) && name.size() > longest.size()) longest = name;
  }
  return longest;
}

bool takes_several(Op op) {
  return op == Op::gcd || op == Op::lcm || op == Op::min || op == Op::max || op == Op::mod;
}

std::optional<Op> inverse_function(Op op) {
  const auto shifted = [op](Op first, Op first_inverse) {
    return static_cast<Op>(static_cast<int>(first_inverse) + static_cast<int>(op) - static_cast<int>(first));
  };
  if (op >= Op::sin && op <= Op::csc) return shifted(Op::sin, Op::arcsin);
  if (op >= Op::sinh && op <= Op::csch) return shifted(Op::sinh, Op::arsinh);
  return std::nullopt;
}

}  // namespace reckon
