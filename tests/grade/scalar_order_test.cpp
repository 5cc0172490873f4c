#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Equality proportional(const Expr& f, const Expr& g) {
  const Equality forth = proportional_values(f, g, Factor::nonzero);
  EXPECT_EQ(proportional_values(g, f, Factor::nonzero), forth);
  return forth;
}

Equality positive(const Expr& f, const Expr& g) {
  const Equality forth = proportional_values(f, g, Factor::positive);
  EXPECT_EQ(proportional_values(g, f, Factor::positive), forth);
  return forth;
}

TEST(Proportional, EquationsAreTheSameUpToAFactor) {
  const Expr x = v("x");
  const Expr y = v("y");
  // y = 2x + 3 and 4x - 2y + 6 = 0
  EXPECT_EQ(proportional(y - (2 * x + 3), 4 * x - 2 * y + 6), Equality::equal);
  EXPECT_EQ(proportional(y - (2 * x + 3), 4 * x - 2 * y + 5), Equality::different);
  EXPECT_EQ(proportional(x - 5, 5 - x), Equality::equal);
  EXPECT_EQ(proportional(x - 5, lit("0.2") * x - 1), Equality::equal);
  EXPECT_EQ(proportional(x - 5, pow(x - 5, 2)), Equality::different);
  EXPECT_EQ(proportional(x, y), Equality::different);
  EXPECT_EQ(proportional(pow(x, 2) / 4 + pow(y, 2) / 9 - 1, 9 * pow(x, 2) + 4 * pow(y, 2) - 36),
            Equality::equal);
  EXPECT_EQ(proportional(sqrt(2) * x - 2, x - sqrt(2)), Equality::equal);  // a factor that is no rational
  EXPECT_EQ(proportional(y - fn(Op::sin, 2 * x), 3 * y - 6 * fn(Op::sin, x) * fn(Op::cos, x)),
            Equality::equal);
  EXPECT_EQ(proportional(call("f", {x}) - 3, 6 - 2 * call("f", {x})), Equality::equal);
}

TEST(Proportional, DenominatorsAreCleared) {
  const Expr x = v("x");
  const Expr y = v("y");
  EXPECT_EQ(proportional(1 / x - 2, 2 * x - 1), Equality::equal);
  EXPECT_EQ(proportional(y - 1 / (x + 1), x * y + y - 1), Equality::equal);
  EXPECT_EQ(proportional(y / x + x / y - 3, pow(x, 2) + pow(y, 2) - 3 * x * y), Equality::equal);
  EXPECT_EQ(proportional(y / x + x / y - 3, pow(x, 2) + pow(y, 2) - 4 * x * y), Equality::different);
  // x may be negative: 1/x < 2 is not 1 < 2x
  EXPECT_EQ(positive(1 / x - 2, 1 - 2 * x), Equality::different);
}

TEST(Proportional, InequalitiesKeepTheirSign) {
  const Expr x = v("x");
  EXPECT_EQ(positive(2 * x - 6, x - 3), Equality::equal);
  EXPECT_EQ(positive(2 * x - 6, 3 - x), Equality::different);
  EXPECT_EQ(positive(x - sqrt(3), sqrt(3) * x - 3), Equality::equal);
  EXPECT_EQ(positive(x - sqrt(3), 3 - sqrt(3) * x), Equality::different);
  EXPECT_EQ(positive(n(3), n(5)), Equality::equal);
  EXPECT_EQ(positive(n(3), n(-5)), Equality::different);
}

TEST(Proportional, ZeroIsProportionalToItselfOnly) {
  const Expr x = v("x");
  EXPECT_EQ(proportional(n(0), x - x), Equality::equal);
  EXPECT_EQ(proportional(n(0), x), Equality::different);
  EXPECT_EQ(proportional(n(1) / n(0), x), Equality::undecided);
  EXPECT_EQ(proportional(node(Op::tuple, {x, x}), x), Equality::undecided);
}

TEST(CompareConstants, OrdersRealNumbers) {
  EXPECT_EQ(compare_constants(sqrt(2), n(1)), 1);
  EXPECT_EQ(compare_constants(n(1), sqrt(2)), -1);
  EXPECT_EQ(compare_constants(n(22) / n(7), pi()), 1);
  EXPECT_EQ(compare_constants(n(355) / n(113), pi()), 1);
  EXPECT_EQ(compare_constants(n(333) / n(106), pi()), -1);
  EXPECT_EQ(compare_constants(n(2) / n(4), lit("0.5")), 0);
  EXPECT_EQ(compare_constants(sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)), 0);
  EXPECT_EQ(compare_constants(root(2 + sqrt(5), 3) - root(sqrt(5) - 2, 3), n(1)), 0);
  EXPECT_EQ(compare_constants(pi(), pi() + lit("1", -1000)), -1);
  EXPECT_EQ(compare_constants(pow(n(9), pow(n(9), 9)), pow(n(9), pow(n(9), 8))), 1);
  EXPECT_EQ(compare_constants(-infinity(), n(3)), -1);
  EXPECT_EQ(compare_constants(infinity(), pi()), 1);
  EXPECT_EQ(compare_constants(n(3), infinity()), -1);
  EXPECT_EQ(compare_constants(infinity(), infinity()), 0);
  EXPECT_EQ(compare_constants(-infinity(), infinity()), -1);
}

TEST(CompareConstants, KnowsNothingOfOthers) {
  EXPECT_EQ(compare_constants(imag(), n(1)), std::nullopt);
  EXPECT_EQ(compare_constants(v("x"), n(1)), std::nullopt);
  EXPECT_EQ(compare_constants(v("x"), v("x")), 0);  // x - x = 0
  EXPECT_EQ(compare_constants(infinity(), v("x")), std::nullopt);
  EXPECT_EQ(compare_constants(infinity(), imag()), std::nullopt);
  EXPECT_EQ(compare_constants(n(1) / n(0), n(1)), std::nullopt);
  EXPECT_EQ(compare_constants(node(Op::plus_minus, {n(1)}), n(3)), std::nullopt);
}

TEST(Within, IsExactAtItsBounds) {
  const Expr half = lit("0.005");
  EXPECT_EQ(within(lit("3.14"), pi(), half), Equality::equal);
  EXPECT_EQ(within(lit("3.13"), pi(), half), Equality::different);
  EXPECT_EQ(within(lit("3.15"), pi(), half), Equality::different);
  EXPECT_EQ(within(n(1), lit("1.005"), half), Equality::equal);  // exactly at the bound
  EXPECT_EQ(within(lit("1.005"), n(1), half), Equality::equal);
  EXPECT_EQ(within(n(1), lit("1.0050000000000000000000000000000000001"), half), Equality::different);
  EXPECT_EQ(within(sqrt(2), lit("1.4142"), lit("5", -5)), Equality::equal);
  EXPECT_EQ(within(sqrt(2), 2 / sqrt(2), n(0)), Equality::equal);
  EXPECT_EQ(within(n(1), n(2), n(-5)), Equality::different);
  EXPECT_EQ(within(imag(), n(1), n(5)), Equality::undecided);
  EXPECT_EQ(within(v("x"), n(1), n(5)), Equality::undecided);
}

TEST(RationalValue, IsInLowestTerms) {
  EXPECT_EQ(rational_value(n(6) / n(4)), "3/2");
  EXPECT_EQ(rational_value(n(6) / n(-4)), "-3/2");
  EXPECT_EQ(rational_value(lit("3.50")), "7/2");
  EXPECT_EQ(rational_value(n(0)), "0");
  EXPECT_EQ(rational_value(sqrt(16)), "4");
  EXPECT_EQ(rational_value((1 + sqrt(2)) * (1 - sqrt(2))), "-1");
  EXPECT_EQ(rational_value(1 / (1 + sqrt(2)) - sqrt(2)), "-1");
  EXPECT_EQ(rational_value(fn(Op::binomial, n(10), n(3))), "120");
  EXPECT_EQ(rational_value(v("x") - v("x") + 2), "2");
  EXPECT_EQ(rational_value(pow(n(2), 200)), "1606938044258990275541962092341162602522202993782792835301376");
  EXPECT_EQ(rational_value(sqrt(2)), std::nullopt);
  EXPECT_EQ(rational_value(v("x")), std::nullopt);
  EXPECT_EQ(rational_value(imag()), std::nullopt);
  EXPECT_EQ(rational_value(infinity()), std::nullopt);
  EXPECT_EQ(rational_value(n(1) / n(0)), std::nullopt);
  EXPECT_EQ(rational_value(pow(n(2), 100'000)), std::nullopt);
}

TEST(FreeVariables, AreSortedAndBoundOnesLeftOut) {
  EXPECT_THAT(free_variables(n(3) * pi()), IsEmpty());
  EXPECT_THAT(free_variables(v("y") + v("X") * v("x") + v("y")), ElementsAre("X", "x", "y"));
  EXPECT_THAT(free_variables(call("f", {v("t")})), ElementsAre("t"));
  EXPECT_THAT(free_variables(series(Op::sum, v("k") * v("a"), "k", v("m"), v("n"))),
              ElementsAre("a", "m", "n"));
  EXPECT_THAT(free_variables(series(Op::sum, v("k"), "k", n(1), v("k"))),
              ElementsAre("k"));  // the bound's own
  EXPECT_THAT(free_variables(node(Op::integral, {v("t"), v("t"), n(0), v("x")})), ElementsAre("x"));
  EXPECT_THAT(free_variables(node(Op::integral, {v("t"), v("t")})), ElementsAre("t"));
  EXPECT_THAT(free_variables(node(Op::derivative, {v("t"), v("t")})), ElementsAre("t"));
  EXPECT_THAT(free_variables(node(Op::limit, {v("h") / v("x"), v("h"), n(0)})), ElementsAre("x"));
  EXPECT_THAT(free_variables(node(Op::set, {v("b"), v("a")})), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace reckon
