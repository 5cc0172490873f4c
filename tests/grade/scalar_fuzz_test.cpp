#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <string>

#include "expr_builder.h"
#include "grade/certify/wire.h"
#include "grade/compare_scalars.h"
#include "reckon/base/philox.h"
#include "support/paths.h"

namespace reckon {
namespace {

using namespace testing;  // NOLINT: the words of expr_builder.h
using std::chrono::steady_clock;

/// Trees of every operation, most of them with the arguments it needs, of numbers of every size: what a
/// parser could make of hostile text, and what it could not.
class WildTrees {
 public:
  explicit WildTrees(std::uint64_t seed) : random_(seed, 0x77696C64u) {}

  Expr tree(int depth) {
    if (depth <= 0 || random_.below(8) == 0) return leaf();
    const auto op =
        static_cast<Op>(random_.below(random_.below(12) == 0 ? static_cast<std::uint32_t>(Op::cases) + 1
                                                             : static_cast<std::uint32_t>(Op::call)));
    const bool is_wrong = random_.below(60) == 0;
    const std::uint32_t count = is_wrong ? random_.below(5) : num_args(op);
    Expr expr = node(op);
    for (std::uint32_t i = 0; i < count; ++i) expr.args.push_back(tree(depth - 1));
    if (!is_wrong && (op == Op::sum || op == Op::product || op == Op::integral || op == Op::limit ||
                      op == Op::derivative)) {
      expr.args[1] = v("k");
    }
    if (op == Op::number) return leaf();
    if (op == Op::symbol || op == Op::call || op == Op::quantity) expr.name = "k";
    if (op == Op::based_number) expr.name = random_.below(2) == 0 ? "101" : "ZZ9";
    return expr;
  }

  std::uint32_t below(std::uint32_t bound) { return random_.below(bound); }

 private:
  static std::uint32_t num_args(Op op) {
    switch (op) {
      case Op::add:
      case Op::multiply:
      case Op::divide:
      case Op::power:
      case Op::root:
      case Op::binomial:
      case Op::log:
      case Op::gcd:
      case Op::lcm:
      case Op::min:
      case Op::max:
      case Op::mod:
      case Op::derivative:
        return 2;
      case Op::limit:
        return 3;
      case Op::sum:
      case Op::product:
      case Op::integral:
        return 4;
      case Op::number:
      case Op::symbol:
      case Op::pi:
      case Op::euler:
      case Op::imaginary:
      case Op::infinity:
        return 0;
      default:
        return 1;
    }
  }

  Expr leaf() {
    switch (random_.below(14)) {
      case 0:
        return pi();
      case 1:
        return euler();
      case 2:
        return imag();
      case 3:
        return v("x");
      case 4:
        return v("k");
      case 5:
        return lit("1", static_cast<std::int64_t>(random_.next_u64()));
      case 6:
        return lit(std::string(1 + random_.below(1000), '7'));
      case 7:
        return -n(random_.below(10));
      case 8:
        return lit("0." + std::to_string(random_.below(1000)));
      case 9:
        return n(static_cast<std::int64_t>(random_.next_u64() >> 1));
      case 10:
        return random_.below(10) == 0 ? infinity() : n(0);
      default:
        return n(random_.below(12));
    }
  }

  RandomStream random_;
};

TEST(ScalarFuzz, AnyTreeIsAnsweredInTimeAndSpace) {
  const std::size_t num_pairs = sweep_size(20'000, 200'000);
  WildTrees trees(5);
  steady_clock::duration longest{};
  int counts[5] = {};
  for (std::size_t i = 0; i < num_pairs; ++i) {
    const Expr a = trees.tree(1 + static_cast<int>(i % 6));
    const Expr b = trees.below(3) == 0 ? a : trees.tree(1 + static_cast<int>(i % 4));
    const auto start = steady_clock::now();
    const Equality verdict = equal_values(a, b);
    longest = std::max(longest, steady_clock::now() - start);
    ++counts[static_cast<int>(verdict)];
    if (i % 8 == 0) {
      ASSERT_EQ(equal_values(b, a) == Equality::equal, verdict == Equality::equal) << i;
      const Equality factor = proportional_values(a, b, i % 16 == 0 ? Factor::positive : Factor::nonzero);
      // A sum that was not worked out at all may be proportional; what is equal must be.
      if (verdict == Equality::equal) {
        ASSERT_NE(factor, Equality::different) << i;
      }
      const auto order = compare_constants(a, b);
      if (order && *order != 0) {
        ASSERT_NE(verdict, Equality::equal) << i;
      }
      if (order && *order == 0) {
        ASSERT_NE(verdict, Equality::different) << i;
      }
      if (within(a, b, n(0)) == Equality::equal) {
        ASSERT_NE(verdict, Equality::different) << i;
      }
      const auto value = rational_value(a);
      if (value) {
        ASSERT_NE(equal_values(a, a), Equality::different) << i;
      }
      static_cast<void>(free_variables(a));
    }
    if (i % 64 == 0) {
      ASSERT_TRUE(read_expr(write_expr(a)));
    }
  }
  EXPECT_LT(longest, std::chrono::seconds(5));
  EXPECT_GT(counts[0], 1'000);
  EXPECT_GT(counts[1], 1'000);
  EXPECT_GT(counts[2], 1'000);
  EXPECT_GT(counts[3], 10);
  std::cout << "longest " << std::chrono::duration_cast<std::chrono::milliseconds>(longest).count()
            << " ms; equal, different, undecided, refused, timeout:";
  for (const int count : counts) std::cout << " " << count;
  std::cout << "\n";
#ifndef __SANITIZE_ADDRESS__
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 200 * 1024) << "KB";
#endif
}

}  // namespace
}  // namespace reckon
