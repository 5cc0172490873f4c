#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "grade_pairs.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/resources.h"

namespace reckon::bench {
namespace {

struct WorstCase {
  std::string name;
  std::string gold;
  std::string pred;
};

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

std::string roots(std::string_view joined_by) {
  std::string text = "\\sqrt{2}";
  for (const char* prime : {"3", "5", "7", "11", "13", "17", "19", "23", "29", "31"}) {
    text.append(joined_by).append("\\sqrt{").append(prime).append("}");
  }
  return text;
}

std::string sines() {
  std::string product;
  for (int degree = 1; degree < 90; degree += 2) product += "\\sin " + std::to_string(degree) + "^\\circ ";
  return product;
}

/// (a+1)(b+2)(c+3)...: 20 factors, a million terms when expanded.
std::string factors() {
  std::string product;
  for (int i = 0; i < 20; ++i)
    product += std::string("(") + static_cast<char>('a' + i) + "+" + std::to_string(i + 1) + ")";
  return product;
}

std::vector<WorstCase> worst_cases() {
  std::string numbers = "1";
  std::string surds = "\\sqrt{2}";
  for (int i = 2; i <= 32; ++i) {
    numbers += "," + std::to_string(i);
    surds = "\\sqrt{" + std::to_string(i + 1) + "}," + surds;
  }
  return {
      {"9^9^9", "1", "9^{9^9}"},
      {"9^9^9 + 1 and 9^9^9", "9^{9^9}", "9^{9^9}+1"},
      {"1 + 9^-9^9 and 1", "1", "1+9^{-9^9}"},
      {"(100!)!", "1", "(100!)!"},
      {"2^(10^10)", "1", "2^{10^{10}}"},
      {"65,000 bits", "2^{65000}", "2^{65000}+1"},
      {"2004!", "2004!", "2003! \\cdot 2004"},
      {"sum of 10^9 terms", "1", "\\sum_{k=1}^{10^9} k"},
      {"sum of 10,000 terms", "1", "\\sum_{k=1}^{10000} \\frac{1}{k}"},
      {"sum of 100 sums of 100", "1", "\\sum_{k=1}^{100} \\sum_{j=1}^{100} \\sqrt{kj}"},
      {"binomial 10,000 over 5,000", "1", "\\binom{10000}{5000}"},
      {"45 sines, true", "\\frac{\\sqrt{2}}{2^{45}}", sines()},
      {"45 sines, false", "\\frac{\\sqrt{2}}{2^{44}}", sines()},
      {"sum of 11 roots, true", roots("+"), "(" + roots("+") + ")\\cdot\\frac{\\sqrt{8}}{2\\sqrt{2}}"},
      {"sum of 11 roots, squared", "0", "(" + roots("+") + ")^2-(" + roots("+") + ")^2"},
      {"product of 11 roots", roots(" "), "\\sqrt{200560490130}"},
      {"nested roots", "\\sqrt{2+\\sqrt{2+\\sqrt{2+\\sqrt{2}}}}", "2\\cos\\frac{\\pi}{32}"},
      {"cube roots", "\\sqrt[3]{2+\\sqrt{5}}-\\sqrt[3]{\\sqrt{5}-2}", "1"},
      {"(a+...+h)^40", "(a+b+c+d+f+g+h)^{40}", "(h+g+f+d+c+b+a)^{40}"},
      {"20 factors", factors(), factors() + "+1"},
      {"degree 999,999", "x^{999999}+1", "1+x^{999999}"},
      {"matrices", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}^2",
       "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"},
      {"lists of 32 roots, one other", surds, surds.substr(0, surds.size() - 2) + "99}"},
      {"lists of 32 roots, turned", surds, "\\sqrt{33}" + surds.substr(9)},
      {"list of 32 and of 33", numbers, numbers + ",33"},
      {"trig in variables", "\\sin(3x)+\\cos^2 x", "3\\sin x-4\\sin^3 x+1-\\sin^2 x"},
      {"radicals in variables", "\\sqrt{x+\\sqrt{y}}", "\\sqrt{x+\\sqrt{y}}+10^{-20}"},
      {"3,000 brackets", "1", repeated("(", 3000) + "1" + repeated(")", 3000)},
      {"32 brackets of 30", "1", repeated("(", 30) + repeated("x+", 200) + "1" + repeated(")", 30)},
      {"1 MB of \\boxed{", "18", repeated("\\boxed{", 150'000)},
      {"1 MB of <answer>", "18", repeated("<answer>", 131'072)},
      {"1 MB of digits", "18", std::string(1 << 20, '1')},
      {"1 MB of 'answer is '", "18", repeated("answer is ", 104'857)},
      {"1 MB of \\(", "18", repeated("\\(", 524'288)},
  };
}

/// The most that the processes under this one have had in memory, all together. MiB.
double children_mib() {
  long kib = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string process = entry.path().filename();
    if (process.find_first_not_of("0123456789") != std::string::npos) continue;
    if (testing::status_kib("PPid", process) == getpid()) kib += testing::status_kib("VmHWM", process);
  }
  return static_cast<double>(kib) / 1024.0;
}

}  // namespace

void print_worst_cases() {
  constexpr int kRuns = 3;
  constexpr std::size_t kLongestAnswer = 10'000;  // what is longer is a completion
  std::printf("%-32s %-12s %12s %12s %14s\n", "input", "grade", "longest ms", "growth MiB", "workers MiB");
  double longest = 0;
  for (const WorstCase& worst : worst_cases()) {
    double seconds = 0;
    double growth = 0;
    Grade grade = Grade::different;
    for (int run = 0; run < kRuns; ++run) {
      const testing::ResourceMeter meter;
      const GoldAnswer gold(worst.gold);
      grade =
          gold.grade(worst.pred.size() > kLongestAnswer ? find_answer(worst.pred).text : worst.pred).grade;
      if (worst.pred.size() > kLongestAnswer) static_cast<void>(extract_answer(worst.pred).found);
      seconds = std::max(seconds, meter.seconds());
      growth = std::max(growth, meter.growth_mib());
    }
    longest = std::max(longest, seconds);
    std::printf("%-32s %-12s %12.2f %12.1f %14.1f\n", worst.name.c_str(),
                std::string(enum_name(grade)).c_str(), 1e3 * seconds, growth, children_mib());
  }
  std::printf("longest of all: %.1f ms\n", 1e3 * longest);
}

}  // namespace reckon::bench
