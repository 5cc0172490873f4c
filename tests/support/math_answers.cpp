#include "support/math_answers.h"

#include <array>
#include <numeric>
#include <stdexcept>

namespace reckon::testing {
namespace {

using std::to_string;

int between(RandomStream& random, int low, int high) {
  return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
}

int nonzero(RandomStream& random, int size) {
  const int value = between(random, 1, size);
  return random.below(3) == 0 ? -value : value;
}

template <class T>
const T& pick(RandomStream& random, std::span<const T> choices) {
  return choices[random.below(static_cast<std::uint32_t>(choices.size()))];
}

/// "+3", "-3": a number as a further term.
std::string term(int value) {
  return (value < 0 ? "" : "+") + to_string(value);
}

/// A coefficient before a name: 3x, -x, x.
std::string times(int factor, const std::string& name) {
  if (factor == 1) return name;
  return factor == -1 ? "-" + name : to_string(factor) + name;
}

std::string plus_times(int factor, const std::string& name) {
  return (factor < 0 ? "" : "+") + times(factor, name);
}

std::string frac(const std::string& above, const std::string& below, const char* command = "\\frac") {
  return command + ("{" + above + "}{" + below + "}");
}

/// Commas between groups of three digits.
std::string grouped(int value, const std::string& comma) {
  std::string digits = to_string(value < 0 ? -value : value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, comma);
  }
  return (value < 0 ? "-" : "") + digits;
}

MathAnswer integer(RandomStream& random) {
  static constexpr std::array<int, 5> kSizes = {10, 100, 1000, 20'000, 5'000'000};
  const int n = nonzero(random, pick<int>(random, kSizes));
  const std::string text = to_string(n);
  return {"integer",
          text,
          {text + ".0", text + ".", grouped(n, ","), grouped(n, "{,}"), grouped(n, ",\\!"),
           frac(to_string(2 * n), "2"), "x = " + text, "\\text{" + text + "}"}};
}

MathAnswer fraction(RandomStream& random) {
  const int q = between(random, 2, 60);
  int p = between(random, 1, 120);
  if (p % q == 0) ++p;
  const int k = between(random, 2, 6);
  const std::string sign = random.below(4) == 0 ? "-" : "";
  const std::string above = to_string(p);
  const std::string below = to_string(q);
  MathAnswer answer{"fraction",
                    sign + frac(above, below),
                    {sign + frac(above, below, "\\dfrac"), sign + above + "/" + below,
                     sign + frac(to_string(k * p), to_string(k * q)), frac(sign + above, below),
                     sign + "\\left(" + frac(above, below) + "\\right)", "(" + sign + above + ")/" + below}};
  if (p < 10 && q < 10) answer.same.push_back(sign + "\\frac" + above + below);
  return answer;
}

MathAnswer surd(RandomStream& random) {
  static constexpr std::array<int, 9> kRadicands = {2, 3, 5, 6, 7, 10, 13, 15, 21};
  const int c = pick<int>(random, kRadicands);
  const int b = nonzero(random, 12);
  const int a = random.below(2) == 0 ? 0 : nonzero(random, 20);
  const std::string root = "\\sqrt{" + to_string(c) + "}";
  const std::string whole = a == 0 ? "" : to_string(a);
  const auto sum = [&](const std::string& part) { return whole.empty() ? part : part + term(a); };
  return {"surd",
          whole.empty() ? times(b, root) : whole + plus_times(b, root),
          {sum(times(b, root)), sum((b < 0 ? "-" : "") + ("\\sqrt{" + to_string(b * b * c) + "}")),
           sum(to_string(b) + " \\cdot " + root), sum(to_string(b) + "(" + to_string(c) + ")^{1/2}"),
           sum(to_string(b) + "*sqrt(" + to_string(c) + ")"), sum(to_string(b) + "\u221A" + to_string(c))}};
}

MathAnswer tuple(RandomStream& random) {
  const bool has_fraction = random.below(3) == 0;
  const std::string a = to_string(nonzero(random, 40));
  const std::string b =
      has_fraction ? frac(to_string(between(random, 1, 9)), "11") : to_string(nonzero(random, 9));
  const std::string c = random.below(3) == 0 ? "," + to_string(between(random, 0, 30)) : "";
  const std::string inside = a + "," + b + c;
  return {"tuple",
          "(" + inside + ")",
          {"\\left(" + inside + "\\right)", "( " + a + " , " + b + c + " )", "$(" + inside + ")$",
           "(" + a + ".0," + b + c + ")", "\\left(" + a + ",\\," + b + c + "\\right)"}};
}

MathAnswer polynomial(RandomStream& random) {
  const int a = nonzero(random, 9);
  const int b = nonzero(random, 20);
  const int c = nonzero(random, 50);
  const std::string tail = plus_times(b, "x") + term(c);
  return {"expression",
          times(a, "x^2") + tail,
          {to_string(c) + plus_times(b, "x") + plus_times(a, "x^2"), times(a, "x^{2}") + " " + tail,
           "x(" + times(a, "x") + term(b) + ")" + term(c), to_string(a) + "*x^2" + tail,
           times(2 * a, "x^2") + "-" + (a < 0 ? "(" + times(a, "x^2") + ")" : times(a, "x^2")) + tail}};
}

MathAnswer product_of_factors(RandomStream& random) {
  const int a = nonzero(random, 12);
  const int b = nonzero(random, 12);
  const std::string left = "(x" + term(a) + ")";
  const std::string right = "(y" + term(b) + ")";
  return {"expression",
          left + right,
          {right + left, left + " \\cdot " + right,
           "\\left(x" + term(a) + "\\right)\\left(y" + term(b) + "\\right)",
           "xy" + plus_times(b, "x") + plus_times(a, "y") + term(a * b)}};
}

MathAnswer rational_function(RandomStream& random) {
  const int a = nonzero(random, 12);
  int b = nonzero(random, 12);
  if (a == b) b += a > 0 ? 1 : -1;
  const std::string above = "n" + term(a);
  const std::string below = "n" + term(b);
  return {
      "expression",
      frac(above, below),
      {frac(above, below, "\\dfrac"), "(" + above + ")/(" + below + ")", "1+" + frac(to_string(a - b), below),
       frac(to_string(a) + "+n", to_string(b) + "+n"), frac("2(" + above + ")", "2n" + term(2 * b))}};
}

MathAnswer power_of_variable(RandomStream& random) {
  const int base = between(random, 2, 9);
  const int shift = between(random, 1, 6);
  const std::string exponent = "{n+" + to_string(shift) + "}";
  return {"expression",
          to_string(base) + "^" + exponent + "-1",
          {"-1+" + to_string(base) + "^" + exponent,
           to_string(base) + "^n \\cdot " + to_string(base) + "^{" + to_string(shift) + "}-1",
           "(" + to_string(base) + "^" + exponent + ")-1"}};
}

MathAnswer expression(RandomStream& random) {
  switch (random.below(4)) {
    case 0:
      return polynomial(random);
    case 1:
      return product_of_factors(random);
    case 2:
      return rational_function(random);
    default:
      return power_of_variable(random);
  }
}

MathAnswer decimal(RandomStream& random) {
  const int places = between(random, 1, 4);
  const int whole = between(random, 0, 900);
  std::string fraction = to_string(between(random, 1, 9999));
  fraction = std::string(fraction.size() < 4 ? 4 - fraction.size() : 0, '0') + fraction;
  fraction.resize(static_cast<std::size_t>(places));
  if (whole == 0) fraction.back() = '5';  // not zero, whose sign would not count
  const std::string text = to_string(whole) + "." + fraction;
  const std::string digits = to_string(std::stoi(to_string(whole) + fraction));
  return {"decimal",
          text,
          {text + "0", frac(digits, "1" + std::string(fraction.size(), '0')), "$" + text + "$", "\\$" + text,
           "x=" + text, digits + " \\times 10^{-" + to_string(places) + "}"}};
}

MathAnswer multiple_of_pi(RandomStream& random) {
  const int b = between(random, 2, 24);
  const int a = between(random, 1, 11) * 2 + (b % 2 == 0 ? 1 : 0);
  if (std::gcd(a, b) != 1) {
    const std::string n = to_string(a);
    return {"constant", n + "\\pi", {"\\pi \\cdot " + n, n + " \\pi", n + "*pi", n + "\u03C0"}};
  }
  const std::string above = to_string(a);
  const std::string below = to_string(b);
  return {"constant",
          frac(above + "\\pi", below),
          {frac(above, below) + "\\pi", above + "\\pi/" + below, frac(above + "\\pi", below, "\\dfrac"),
           "\\pi \\cdot " + frac(above, below), above + "*pi/" + below}};
}

MathAnswer constant(RandomStream& random) {
  const std::string n = to_string(between(random, 2, 30));
  const std::string m = to_string(between(random, 31, 60));
  switch (random.below(5)) {
    case 0:
      return {"constant",
              "e^{" + n + "}",
              {"\\exp(" + n + ")", "\\mathrm{e}^{" + n + "}", "exp(" + n + ")",
               "e^" + n.substr(0, 1) + (n.size() > 1 ? " \\cdot e^{" + n + "-" + n.substr(0, 1) + "}" : "")}};
    case 1:
      return {"constant",
              "\\ln " + n,
              {"\\ln(" + n + ")", "-\\ln\\frac{1}{" + n + "}", "\\log_{e} " + n, "ln(" + n + ")",
               "\\frac12\\ln " + to_string(std::stoi(n) * std::stoi(n))}};
    case 2:
      return {"constant",
              "\\log_2 " + m,
              {"\\log_{2}(" + m + ")", "\\frac{\\ln " + m + "}{\\ln 2}", "\\log_2 {" + m + "}",
               "1+\\log_2 \\frac{" + m + "}{2}"}};
    case 3:
      return {"constant",
              "\\sin\\frac{\\pi}{" + n + "}",
              {"\\sin(\\pi/" + n + ")", "\\sin\\left(\\frac{\\pi}{" + n + "}\\right)",
               "\\cos\\left(\\frac{\\pi}{2}-\\frac{\\pi}{" + n + "}\\right)"}};
    default:
      return multiple_of_pi(random);
  }
}

MathAnswer matrix(RandomStream& random) {
  std::array<std::string, 4> e;
  for (std::string& entry : e) entry = to_string(nonzero(random, 15));
  if (random.below(2) == 0) {
    const std::string inside = e[0] + " \\\\ " + e[1] + " \\\\ " + e[2];
    return {"matrix",
            "\\begin{pmatrix} " + inside + " \\end{pmatrix}",
            {"\\begin{bmatrix} " + inside + " \\end{bmatrix}", "\\begin{pmatrix}" + inside + "\\end{pmatrix}",
             "\\left(\\begin{array}{c} " + inside + " \\end{array}\\right)",
             "\\begin{pmatrix} " + e[0] + ".0 \\\\ " + e[1] + " \\\\ " + e[2] + " \\end{pmatrix}"}};
  }
  const std::string inside = e[0] + " & " + e[1] + " \\\\ " + e[2] + " & " + e[3];
  return {"matrix",
          "\\begin{pmatrix} " + inside + " \\end{pmatrix}",
          {"\\begin{bmatrix} " + inside + " \\end{bmatrix}", "\\begin{pmatrix}" + inside + "\\end{pmatrix}",
           "\\left(\\begin{array}{cc} " + inside + " \\end{array}\\right)",
           "\\begin{pmatrix} " + e[0] + "&" + e[1] + "\\\\" + e[2] + "&" + e[3] + "\\end{pmatrix}"}};
}

MathAnswer list(RandomStream& random) {
  const int first = nonzero(random, 20);
  const std::string a = to_string(first);
  if (random.below(3) == 0) {
    const std::string root = "\\sqrt{" + to_string(pick<int>(random, std::array<int, 4>{2, 3, 7, 11})) + "}";
    return {
        "list",
        a + " \\pm " + root,
        {a + "\\pm" + root, a + "+" + root + ", " + a + "-" + root, a + "-" + root + ", " + a + "+" + root,
         "x = " + a + "+" + root + " \\text{ or } x = " + a + "-" + root}};
  }
  const std::string b = to_string(first + between(random, 1, 15));
  const std::string c = to_string(first + between(random, 16, 30));
  return {"list",
          a + "," + b + "," + c,
          {c + ", " + a + ", " + b, a + ", " + b + ", \\text{ and } " + c,
           "\\{" + b + "," + a + "," + c + "\\}", a + "; " + c + "; " + b}};
}

MathAnswer interval(RandomStream& random) {
  const int low = between(random, -30, 30);
  const std::string a = to_string(low);
  const std::string b = to_string(low + between(random, 1, 40));
  if (random.below(3) == 0) {
    const std::string left = "(-\\infty," + a;
    const std::string right = b + ",\\infty)";
    return {"interval",
            left + "]\\cup[" + right,
            {left + "] \\cup [" + right, "[" + right + " \\cup " + left + "]",
             "x \\in " + left + "] \\cup [" + right,
             "\\left(-\\infty," + a + "\\right]\\cup\\left[" + b + ",\\infty\\right)"}};
  }
  const std::string open = random.below(2) == 0 ? "(" : "[";
  const std::string close = open == "(" || random.below(2) == 0 ? "]" : ")";
  return {"interval",
          open + a + "," + b + close,
          {open + a + ", " + b + close, "\\left" + open + a + "," + b + "\\right" + close,
           "x \\in " + open + a + "," + b + close, "$" + open + " " + a + ", " + b + " " + close + "$"}};
}

MathAnswer words(RandomStream& random) {
  static constexpr std::array<std::string_view, 12> kWords = {"even",   "odd",    "Tuesday", "Yes",
                                                              "No",     "east",   "Monday",  "ellipse",
                                                              "circle", "Evelyn", "neither", "hyperbola"};
  if (random.below(3) == 0) {
    const std::string letter(1, static_cast<char>('A' + random.below(5)));
    return {"text",
            "\\text{(" + letter + ")}",
            {letter, "(" + letter + ")", "\\textbf{(" + letter + ")}", "\\text{" + letter + "}"}};
  }
  const std::string word(pick<std::string_view>(random, kWords));
  return {"text",
          "\\text{" + word + "}",
          {word, word + ".", "\\textbf{" + word + "}", "\\mathrm{" + word + "}", "\"" + word + "\""}};
}

MathAnswer complex(RandomStream& random) {
  const int a = nonzero(random, 30);
  const int b = nonzero(random, 30);
  return {"complex",
          to_string(a) + plus_times(b, "i"),
          {times(b, "i") + term(a), to_string(a) + " " + plus_times(b, " i"),
           to_string(a) + term(b) + "\\cdot i", to_string(a) + "+i(" + to_string(b) + ")"}};
}

MathAnswer equation(RandomStream& random) {
  const int m = nonzero(random, 9);
  const int b = nonzero(random, 30);
  if (random.below(3) == 0) {
    const std::string r = to_string(between(random, 2, 80));
    return {"equation",
            "x^2+y^2=" + r,
            {"y^2+x^2=" + r, "x^{2} + y^{2} - " + r + " = 0", r + "=x^2+y^2", "2x^2+2y^2=" + r + "\\cdot 2"}};
  }
  return {"equation",
          "y=" + times(m, "x") + term(b),
          {"y = " + to_string(b) + plus_times(m, "x"), "y" + plus_times(-m, "x") + " = " + to_string(b),
           times(m, "x") + "-y" + term(b) + "=0", "2y=" + times(2 * m, "x") + term(2 * b)}};
}

MathAnswer based(RandomStream& random) {
  const int base = between(random, 3, 9);
  std::string digits;
  for (int i = between(random, 2, 6); i > 0; --i)
    digits += to_string(between(random, digits.empty() ? 1 : 0, base - 1));
  const std::string b = to_string(base);
  return {"based",
          digits + "_" + b,
          {digits + "_{" + b + "}", digits + "_{ " + b + " }", "(" + digits + ")_{" + b + "}",
           "\\text{" + digits + "}_{" + b + "}"}};
}

using Maker = MathAnswer (*)(RandomStream&);
struct Made {
  AnswerKind kind;
  Maker make;
};
constexpr std::array<Made, 14> kMakers = {{
    {{"integer", 669}, integer},
    {{"fraction", 130}, fraction},
    {{"surd", 45}, surd},
    {{"tuple", 27}, tuple},
    {{"expression", 26}, expression},
    {{"decimal", 20}, decimal},
    {{"constant", 18}, constant},
    {{"matrix", 13}, matrix},
    {{"list", 13}, list},
    {{"interval", 12}, interval},
    {{"text", 11}, words},
    {{"complex", 6}, complex},
    {{"equation", 5}, equation},
    {{"based", 5}, based},
}};

constexpr auto kKinds = [] {
  std::array<AnswerKind, kMakers.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = kMakers[i].kind;
  return kinds;
}();

}  // namespace

std::span<const AnswerKind> answer_kinds() {
  return kKinds;
}

MathAnswer math_answer(std::string_view kind, RandomStream& random) {
  for (const Made& made : kMakers) {
    if (made.kind.name == kind) return made.make(random);
  }
  throw std::invalid_argument("math_answer: no kind \"" + std::string(kind) + "\"");
}

MathAnswer math_answer(RandomStream& random) {
  std::uint32_t at = random.below(1000);
  for (const Made& made : kMakers) {
    if (at < made.kind.per_mille) return made.make(random);
    at -= made.kind.per_mille;
  }
  return integer(random);
}

}  // namespace reckon::testing
