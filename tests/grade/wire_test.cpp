#include "grade/certify/wire.h"

#include <gtest/gtest.h>

#include <string>

#include "expr_builder.h"
#include "reckon/base/philox.h"

namespace reckon {
namespace {

using namespace testing;  // NOLINT: the words of expr_builder.h

bool same(const Expr& a, const Expr& b) {
  if (a.args.size() != b.args.size()) return false;
  for (std::size_t i = 0; i < a.args.size(); ++i) {
    if (!same(a.args[i], b.args[i])) return false;
  }
  return a.op == b.op && a.name == b.name && a.digits == b.digits && a.has_point == b.has_point &&
         a.num_fraction_digits == b.num_fraction_digits && a.exponent10 == b.exponent10 &&
         a.low_closed == b.low_closed && a.high_closed == b.high_closed && a.clock == b.clock &&
         a.num_columns == b.num_columns && a.relations == b.relations;
}

/// A tree that uses every field.
Expr rich_tree() {
  Expr interval = node(Op::interval, {lit("3.50", -7), -infinity()});
  interval.low_closed = true;
  Expr closed = interval;
  closed.low_closed = false;
  closed.high_closed = true;
  Expr ratio = node(Op::ratio, {n(9), n(5)});
  ratio.clock = true;
  Expr matrix = node(Op::matrix, {v("x_{1}"), n(2), pi(), lit("0")});
  matrix.num_columns = 2;
  Expr chain = node(Op::relation, {v("x"), n(2), v("\xC3\xA9")});
  chain.relations = {Relation::less_equal, Relation::maps_to};
  Expr huge = lit("1");
  huge.exponent10 = INT64_MIN;
  Expr other = lit("1");
  other.exponent10 = INT64_MAX;
  other.num_fraction_digits = -5;
  return node(Op::list, {interval, closed, ratio, matrix, chain, huge, other, call("f", {})});
}

TEST(Wire, TreesComeBackAsTheyWere) {
  for (const Expr& tree :
       {n(0), lit("12.0"), rich_tree(), sqrt(3 + 2 * sqrt(2)), lit(std::string(2000, '9'))}) {
    const auto back = read_expr(write_expr(tree));
    ASSERT_TRUE(back);
    EXPECT_TRUE(same(*back, tree));
  }
}

TEST(Wire, BytesOfASmallTree) {
  // version, add, no fields, two arguments: each number, digits, a length, the digit, 0 decimals, 10^0, no
  // args
  const std::string expected(
      "\x01\x06\x00\x02\x00\x02\x01"
      "3\x00\x00\x00\x00\x02\x01"
      "4\x00\x00\x00",
      18);
  EXPECT_EQ(write_expr(n(3) + n(4)), expected);
}

TEST(Wire, CutMessagesAreRefused) {
  const std::string bytes = write_expr(rich_tree());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_expr(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(read_expr(bytes + '\0'));
}

TEST(Wire, BytesThatSayTooMuchAreRefused) {
  const auto bytes = [](std::initializer_list<int> values) {
    std::string result;
    for (const int value : values) result.push_back(static_cast<char>(value));
    return result;
  };
  ASSERT_TRUE(read_expr(bytes({1, 2, 0, 0})));                         // pi
  EXPECT_FALSE(read_expr(bytes({2, 2, 0, 0})));                        // another version
  EXPECT_FALSE(read_expr(bytes({1, 200, 0, 0})));                      // no such operation
  EXPECT_FALSE(read_expr(bytes({1, 2, 32, 0})));                       // no such field
  EXPECT_FALSE(read_expr(bytes({1, 2, 16, 16, 0})));                   // no such flag
  EXPECT_FALSE(read_expr(bytes({1, 2, 0, 255, 255, 255, 255, 127})));  // 2^35 arguments
  EXPECT_FALSE(
      read_expr(bytes({1, 2, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0})));  // 2^64 - 1 bytes
  EXPECT_FALSE(read_expr(bytes({1, 2, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 0})));  // 65 bits
  EXPECT_FALSE(read_expr(bytes({1, 0, 2, 1, 'x', 0, 0, 0})));  // a digit that is none
  EXPECT_FALSE(read_expr(bytes({1, 2, 4, 1, 99, 0})));         // no such relation
  EXPECT_FALSE(
      read_expr(bytes({1, 0, 2, 1, '1', 254, 255, 255, 255, 127, 0, 0})));  // decimals beyond 32 bits
}

TEST(Wire, DeepAndWideTreesAreRefused) {
  Expr deep = n(1);
  for (int i = 0; i < kMaxWireDepth - 1; ++i) deep = -std::move(deep);
  EXPECT_TRUE(read_expr(write_expr(deep)));
  EXPECT_FALSE(read_expr(write_expr(-deep)));
  Expr wide = node(Op::add);
  wide.args.assign(kMaxWireNodes - 1, n(1));
  EXPECT_TRUE(read_expr(write_expr(wide)));
  wide.args.push_back(n(1));
  EXPECT_FALSE(read_expr(write_expr(wide)));
}

TEST(Wire, DamagedMessagesNeverCrash) {
  const std::string original = write_expr(rich_tree());
  RandomStream random(7, 0x77697265u);
  int num_read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = original;
    for (std::uint32_t k = 1 + random.below(3); k > 0; --k) {
      bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] = static_cast<char>(random.below(256));
    }
    const auto tree = read_expr(bytes);
    if (!tree) continue;
    ++num_read;  // it is then a tree like any other
    ASSERT_TRUE(same(*read_expr(write_expr(*tree)), *tree));
  }
  EXPECT_GT(num_read, 100);
}

}  // namespace
}  // namespace reckon
