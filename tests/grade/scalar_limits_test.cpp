#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include "expr_builder.h"
#include "grade/compare_scalars.h"

namespace reckon {

void PrintTo(Equality equality, std::ostream* out) {
  constexpr const char* kNames[] = {"equal", "different", "undecided", "refused", "timeout"};
  *out << kNames[static_cast<int>(equality)];
}

namespace {

using namespace testing;  // NOLINT: the words of expr_builder.h
using std::chrono::steady_clock;

/// No comparison may take more than 200 ms (the certifier's time) and some; tenfold, for slow machines.
constexpr auto kBound = std::chrono::seconds(3);

Equality timed(const Expr& a, const Expr& b, const std::string& name) {
  const auto start = steady_clock::now();
  const Equality result = equal_values(a, b);
  const auto took = steady_clock::now() - start;
  EXPECT_LT(took, kBound) << name;
  if (took > std::chrono::milliseconds(60)) {
    std::cout << name << ": " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
              << " ms\n";
  }
  return result;
}

Expr tower(std::int64_t base, int height) {
  Expr result = n(base);
  for (int i = 1; i < height; ++i) result = pow(n(base), std::move(result));
  return result;
}

Expr factorial(Expr x) {
  return fn(Op::factorial, std::move(x));
}

TEST(ScalarLimits, HugeNumbersAreComparedByStructureAndBySize) {
  const Expr nines = tower(9, 3);
  EXPECT_EQ(timed(nines, nines, "same tree"), Equality::equal);
  EXPECT_EQ(timed(nines, pow(n(3), 2 * pow(n(3), 18)), "3^(2 * 3^18)"), Equality::equal);
  EXPECT_EQ(timed(nines, n(1), "1"), Equality::different);
  EXPECT_EQ(timed(nines, nines + 1, "one more"), Equality::different);
  EXPECT_EQ(timed(nines, pow(n(9), pow(n(9), 8)), "another height"), Equality::different);
  EXPECT_EQ(timed(tower(9, 4), tower(9, 4), "tower of 4"), Equality::equal);
  EXPECT_NE(timed(tower(9, 4), tower(9, 5), "towers of 4 and 5"), Equality::equal);
  EXPECT_NE(timed(tower(9, 6), n(1), "tower of 6"), Equality::equal);
  const Expr small = n(1) + 1 / nines;
  EXPECT_EQ(timed(small, n(1), "1 + 9^-9^9"), Equality::different);
  EXPECT_EQ(timed(pow(n(2), pow(n(10), 10)), pow(n(4), 5 * pow(n(10), 9)), "2^10^10"), Equality::equal);
  EXPECT_EQ(timed(pow(n(2), 70'000) - 1, (pow(n(2), 35'000) - 1) * (pow(n(2), 35'000) + 1), "2^70000 - 1"),
            Equality::equal);
  EXPECT_EQ(timed(lit("1", 999'999'999), lit("1", 999'999'998), "1e999999999"), Equality::different);
  EXPECT_EQ(timed(lit("1", 999'999'999), 10 * lit("1", 999'999'998), "10e999999998"), Equality::equal);
  EXPECT_EQ(timed(lit("1", INT64_MAX), lit("2", INT64_MIN), "the largest exponents"), Equality::different);
}

TEST(ScalarLimits, HugeFactorialsAndBinomials) {
  const Expr nested = factorial(factorial(n(100)));
  EXPECT_EQ(timed(nested, nested, "same tree"), Equality::equal);
  EXPECT_NE(timed(nested, n(1), "(100!)!"), Equality::equal);
  EXPECT_NE(timed(nested, nested + 1, "(100!)! + 1"), Equality::equal);
  EXPECT_EQ(timed(factorial(n(2004)) / factorial(n(2003)), n(2004), "2004!"), Equality::equal);
  EXPECT_NE(timed(factorial(n(1'000'000)), n(7), "10^6!"), Equality::equal);
  EXPECT_EQ(
      timed(fn(Op::binomial, n(10'000), n(5'000)), fn(Op::binomial, n(10'000), n(5'000)) + 1, "binomial"),
      Equality::different);
  EXPECT_EQ(timed(fn(Op::binomial, n(1'000'000), n(500'000)), n(7), "large binomial"), Equality::refused);
  EXPECT_NE(timed(fn(Op::double_factorial, n(1'000'000)), n(7), "double factorial"), Equality::equal);
  EXPECT_NE(timed(factorial(factorial(factorial(n(9)))), n(7), "9!!!"), Equality::equal);
}

TEST(ScalarLimits, LongSeries) {
  const Expr k = v("k");
  EXPECT_EQ(timed(series(Op::sum, k, "k", n(1), n(1'000'000'000)), n(7), "10^9 terms"), Equality::refused);
  EXPECT_EQ(timed(series(Op::sum, k, "k", n(1), tower(9, 3)), n(7), "9^9^9 terms"), Equality::undecided);
  const Expr harmonic = series(Op::sum, 1 / k, "k", n(1), n(10'000));
  EXPECT_NE(timed(harmonic, n(7), "harmonic numbers"), Equality::equal);
  const Expr surds = series(Op::sum, sqrt(k), "k", n(1), n(10'000));
  EXPECT_NE(timed(surds, n(7), "10,000 surds"), Equality::equal);
  EXPECT_NE(timed(series(Op::product, k, "k", n(1), n(10'000)), n(7), "10000!"), Equality::equal);
  EXPECT_NE(timed(series(Op::sum, pow(v("x"), k), "k", n(1), n(10'000)), v("x"), "10,000 powers"),
            Equality::equal);
  const Expr inner = series(Op::sum, 1 / (k + v("j")), "j", n(1), n(10'000));
  EXPECT_NE(timed(series(Op::sum, inner, "k", n(1), n(10'000)), n(7), "10^8 terms"), Equality::equal);
}

TEST(ScalarLimits, HugeDegrees) {
  const Expr x = v("x");
  EXPECT_EQ(timed(pow(x, 1'000'000'000) + 1, x, "x^10^9"), Equality::refused);
  EXPECT_EQ(timed(pow(x + 1, 400'000), pow(pow(x + 1, 2), 200'000), "(x + 1)^400000"), Equality::equal);
  EXPECT_EQ(timed(pow(x + 1, 400'000), pow(pow(x, 2) + 2 * x + 1, 200'000), "by squares"), Equality::equal);
  EXPECT_EQ(timed(pow(x + 1, 400'000), pow(x, 400'000) + 1, "no freshman's dream"), Equality::different);
  EXPECT_NE(timed(pow(x, tower(9, 3)), x, "x^9^9^9"), Equality::equal);
  Expr squares = x + 1;
  for (int i = 0; i < 60; ++i) squares = pow(std::move(squares) + 1, 2);
  EXPECT_NE(timed(squares, squares + x, "60 nested squares"), Equality::equal);
  Expr many = node(Op::add);
  for (int i = 0; i < 300; ++i) many.args.push_back(pow(v("x" + std::to_string(i)) + 1, i));
  EXPECT_EQ(timed(many * many, pow(many, 2), "300 variables"), Equality::equal);
  EXPECT_EQ(timed(many * many, pow(many, 2) + v("x7"), "300 variables, another"), Equality::different);
}

TEST(ScalarLimits, FunctionsOfHugeArguments) {
  const Expr googol = pow(n(10), pow(n(10), 6));
  for (const Op op : {Op::sin, Op::cos, Op::tan, Op::exp, Op::ln, Op::sinh, Op::arctan, Op::arsinh, Op::floor,
                      Op::absolute, Op::sign, Op::arcsin, Op::factorial, Op::log10}) {
    const std::string name = "operation " + std::to_string(static_cast<int>(op));
    EXPECT_NE(timed(fn(op, googol), n(7), name), Equality::equal) << name;
    EXPECT_NE(timed(fn(op, 1 / googol), n(7), name + " of a small one"), Equality::equal) << name;
    EXPECT_NE(timed(fn(op, sqrt(2) * googol), n(7), name + " of a surd"), Equality::equal) << name;
    EXPECT_NE(timed(fn(op, googol * v("x")), v("x"), name + " of a variable"), Equality::equal) << name;
  }
  Expr nested = n(3);
  for (int i = 0; i < 30; ++i) nested = fn(Op::exp, std::move(nested));
  EXPECT_NE(timed(nested, n(7), "30 exponentials"), Equality::equal);
  Expr roots = v("x");
  for (int i = 0; i < 30; ++i) roots = sqrt(1 + std::move(roots));
  EXPECT_NE(timed(roots, n(7), "30 roots"), Equality::equal);
  EXPECT_NE(timed(root(n(2), 999'983), root(n(2), 999'979), "roots of high degree"), Equality::equal);
}

TEST(ScalarLimits, HardConstants) {
  Expr sines = n(1);
  for (std::int64_t degree = 1; degree < 90; degree += 2)
    sines = std::move(sines) * fn(Op::sin, degrees(degree));
  // sqrt(2) / 2^45: of all odd degrees up to 179 it is 2^-89, and half of these are the same again.
  EXPECT_NE(timed(sines, sqrt(2) / pow(n(2), 45), "45 sines"), Equality::different);
  EXPECT_EQ(timed(sines, sqrt(2) / pow(n(2), 44), "45 sines, off by 2"), Equality::different);
  Expr surds = n(0);
  for (int i = 2; i < 60; ++i) surds = std::move(surds) + sqrt(i);
  EXPECT_NE(timed(pow(surds, 12), pow(surds, 11) * (surds + 1 / tower(9, 3)), "surds^12"), Equality::equal);
  Expr nested = n(2);
  for (int i = 0; i < 25; ++i) nested = sqrt(n(i) + std::move(nested));
  EXPECT_NE(timed(pow(nested, 2), n(24) + sqrt(2), "25 nested roots"), Equality::equal);
}

TEST(ScalarLimits, LargeAndDeepTrees) {
  Expr deep = v("x");
  for (int i = 0; i < 150; ++i) deep = 1 / (1 + std::move(deep));
  EXPECT_NE(timed(deep, n(7), "continued fraction of 150"), Equality::equal);
  EXPECT_EQ(timed(deep, deep, "the same"), Equality::equal);
  Expr deeper = n(1);
  for (int i = 0; i < 1'000; ++i) deeper = -std::move(deeper);
  EXPECT_EQ(timed(v("y") + deeper, n(7), "1,000 signs"), Equality::refused);
  Expr wide = node(Op::add);
  for (int i = 0; i < 1'000; ++i) wide.args.push_back(fn(Op::sin, n(i) * v("x")));
  EXPECT_NE(timed(wide, n(7), "1,000 sines"), Equality::equal);
  Expr product = node(Op::multiply);
  for (int i = 1; i < 300; ++i) product.args.push_back(sqrt(v("x") + i) + sqrt(i));
  EXPECT_NE(timed(product, product + 1 / product, "300 roots"), Equality::equal);
  const std::string digits(1'000, '8');
  Expr numbers = node(Op::multiply);
  for (int i = 0; i < 40; ++i) numbers.args.push_back(lit(digits) / lit("7" + digits));
  EXPECT_NE(timed(numbers, n(7), "40 quotients of 1,000 digits"), Equality::equal);
}

TEST(ScalarLimits, GcdsOfPolynomials) {
  Expr a = n(1);
  Expr b = n(1);
  for (int i = 0; i < 12; ++i) {
    a = std::move(a) * (v("x") + n(i) * v("y") + pow(v("z"), i) - 1);
    b = std::move(b) * (v("y") + n(i) * v("z") + pow(v("x"), i) - 1);
  }
  EXPECT_NE(timed(node(Op::gcd, {a, b}), n(7), "gcd of 12 factors"), Equality::equal);
  EXPECT_NE(timed(node(Op::lcm, {a, b}), n(7), "lcm of 12 factors"), Equality::equal);
}

/// The most memory this process had, in bytes.
std::uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

TEST(ScalarLimits, AllOfThatTookLittleMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps what is freed";
#else
  // This program with its libraries has some 10 MB; 64 MB are allowed to a comparison.
  EXPECT_LT(peak_memory(), std::uint64_t{160} << 20);
  std::cout << "peak " << (peak_memory() >> 20) << " MB\n";
#endif
}

}  // namespace
}  // namespace reckon
