// Time of one comparison of two scalar answers, on one thread. Needs no data.

#include <benchmark/benchmark.h>

#include "grade/compare_scalars.h"
#include "grade/expr_builder.h"
#include "reckon/grade/certifier.h"

namespace {

using namespace reckon;           // NOLINT
using namespace reckon::testing;  // NOLINT: the words of expr_builder.h

Expr function_of(Op op, Expr x) {
  return fn(op, std::move(x));
}

void compare(benchmark::State& state, const Expr& a, const Expr& b, Equality expected) {
  for (auto _ : state) {
    const Equality result = equal_values(a, b);
    if (result != expected) state.SkipWithError("another verdict than expected");
    benchmark::DoNotOptimize(result);
  }
}

const Expr x = v("x");  // NOLINT
const Expr y = v("y");  // NOLINT

Expr power_of(const Expr& base, std::int64_t exponent) {
  return reckon::testing::pow(base, exponent);
}
Expr surd(std::int64_t radicand) {
  return reckon::testing::sqrt(n(radicand));
}

}  // namespace

int main(int argc, char** argv) {
  start_certifiers(1);
  const auto add = [](const char* name, const Expr& a, const Expr& b, Equality expected = Equality::equal) {
    benchmark::RegisterBenchmark(name, compare, a, b, expected);
  };
  add("integers", n(42), n(42));
  add("integers/wrong", n(42), n(43), Equality::different);
  add("fractions", n(6) / n(8), n(3) / n(4));
  add("decimal_and_fraction", lit("0.75"), n(3) / n(4));
  add("thousand_digits", lit(std::string(1000, '7')), lit(std::string(1000, '7')) + 0);
  add("surd", surd(72), 6 * surd(2));
  add("surd/wrong", surd(72), 5 * surd(2), Equality::different);
  add("surd_denominator", n(1) / (surd(3) + surd(2)), surd(3) - surd(2));
  add("nested_root", reckon::testing::sqrt(3 + 2 * surd(2)), 1 + surd(2));
  add("pi_multiple", 2 * pi() / 3, pi() * n(4) / 6);
  add("sine_of_18_degrees", function_of(Op::sin, degrees(18)), (surd(5) - 1) / 4);
  add("polynomial", power_of(x + y, 2), power_of(x, 2) + 2 * x * y + power_of(y, 2));
  add("polynomial/wrong", power_of(x + y, 2), power_of(x, 2) + power_of(y, 2), Equality::different);
  add("degree_40", power_of(x + y + 1, 40),
      power_of(x + y + 1, 20) * power_of(1 + y + x, 19) * (y + x + 1) + 0 * x);
  add("double_angle", function_of(Op::sin, 2 * x), 2 * function_of(Op::sin, x) * function_of(Op::cos, x));
  add("double_angle/wrong", function_of(Op::sin, 2 * x), 2 * function_of(Op::sin, x), Equality::different);
  add("roots_of_two_variables", n(1) / (function_of(Op::absolute, reckon::testing::sqrt(x)) + 1),
      n(1) / (1 + function_of(Op::absolute, reckon::testing::sqrt(x))));
  add("certified_arctan", function_of(Op::arctan, n(1) / 2) + function_of(Op::arctan, n(1) / 3), pi() / 4);
  add("certified_cube_roots", root(2 + surd(5), 3) - root(surd(5) - 2, 3), n(1));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
