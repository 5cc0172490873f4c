#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>
#include <map>
#include <string>

#include "expr_builder.h"
#include "grade/compare_scalars.h"
#include "grade/exact/points.h"
#include "random_tree.h"
#include "support/paths.h"

namespace reckon {
namespace {

using namespace testing;  // NOLINT: the words of expr_builder.h

/// Checks with RapidCheck, whose counterexamples name the seed of the tree.
void check(const std::string& name, TreeKind kind, const std::function<void(RandomTrees&)>& property) {
  EXPECT_TRUE(rc::check(name, [&](std::uint64_t seed) {
    RandomTrees trees(kind, seed);
    property(trees);
  }));
}

constexpr TreeKind kAllKinds[] = {TreeKind::rational, TreeKind::constant, TreeKind::variables,
                                  TreeKind::functions};

bool has_value(const Expr& a) {
  return equal_values(a, a) == Equality::equal;
}

TEST(ScalarProperties, ReflexiveUnderRewriting) {
  for (const TreeKind kind : kAllKinds) {
    check("a tree equals what it was rewritten to", kind, [](RandomTrees& trees) {
      const Expr a = trees.tree(3);
      RC_PRE(has_value(a));
      RC_ASSERT(equal_values(a, trees.rewritten(a)) == Equality::equal);
    });
  }
}

TEST(ScalarProperties, Symmetric) {
  for (const TreeKind kind : kAllKinds) {
    check("a = b as b = a", kind, [](RandomTrees& trees) {
      const Expr a = trees.tree(2);
      const Expr b = trees.below(2) == 0 ? trees.rewritten(a) : trees.tree(2);
      RC_ASSERT(equal_values(a, b) == equal_values(b, a));
    });
  }
}

TEST(ScalarProperties, SumsCommuteAndProductsDistribute) {
  for (const TreeKind kind : kAllKinds) {
    check("a + b = b + a, a (b + c) = a b + a c", kind, [](RandomTrees& trees) {
      const Expr a = trees.tree(2);
      const Expr b = trees.tree(2);
      const Expr c = trees.tree(1);
      RC_PRE(has_value(a) && has_value(b) && has_value(c));
      RC_ASSERT(equal_values(a + b, b + a) == Equality::equal);
      RC_ASSERT(equal_values(a * (b + c), a * b + a * c) == Equality::equal);
    });
  }
}

TEST(ScalarProperties, OneMoreIsDifferent) {
  for (const TreeKind kind : kAllKinds) {
    check("a + 10^-30 is not a", kind, [](RandomTrees& trees) {
      const Expr a = trees.tree(3);
      RC_PRE(has_value(a));
      RC_ASSERT(equal_values(trees.rewritten(a) + lit("1", -30), a) == Equality::different);
    });
  }
}

TEST(ScalarProperties, MultiplesAreProportional) {
  for (const TreeKind kind : {TreeKind::variables, TreeKind::functions}) {
    check("f ~ c f", kind, [](RandomTrees& trees) {
      const Expr a = v("x") * trees.tree(2) + v("y");
      RC_PRE(has_value(a));
      const bool is_positive = trees.below(2) == 0;
      const Expr b = n(is_positive ? 3 : -3) * trees.rewritten(a) / 7;
      RC_ASSERT(proportional_values(a, b, Factor::nonzero) == Equality::equal);
      RC_ASSERT(proportional_values(a, b, Factor::positive) ==
                (is_positive ? Equality::equal : Equality::different));
      RC_ASSERT(proportional_values(a, b + 1, Factor::nonzero) == Equality::different);
    });
  }
}

TEST(ScalarProperties, VerdictsDoNotDependOnTheSeedOfPoints) {
  check("any two seeds", TreeKind::functions, [](RandomTrees& trees) {
    const Expr a = trees.tree(3);
    const Expr b = trees.below(2) == 0 ? trees.rewritten(a) : a + trees.tree(1);
    Equality verdicts[2];
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      const exact::ScopedPointSeed scope(seed * 1000 + trees.below(1000));
      verdicts[seed] = equal_values(a, b);
    }
    RC_ASSERT(verdicts[0] == verdicts[1]);
  });
}

TEST(ScalarProperties, ValuesAreThoseOfPython) {
  const auto python = oracle_python();
  if (!python) GTEST_SKIP() << "no oracle Python";
  const TempDir folder;
  const auto file = folder.path() / "pairs.tsv";
  std::string lines;
  const std::map<TreeKind, std::string> names{{TreeKind::rational, "rational"},
                                              {TreeKind::constant, "constant"},
                                              {TreeKind::variables, "variables"},
                                              {TreeKind::functions, "functions"}};
  for (const auto& [kind, name] : names) {
    RandomTrees trees(kind, 11);
    std::map<Equality, int> counts;
    const std::size_t num_pairs = sweep_size(500, 20'000);
    for (std::size_t i = 0; i < num_pairs; ++i) {
      const Expr a = trees.tree(3);
      Expr b = trees.rewritten(a);
      if (i % 2 == 1) b = std::move(b) * (1 + trees.tree(1) / pow(n(10), 1 + trees.below(40)));
      const Equality verdict = equal_values(a, b);
      ++counts[verdict];
      if (verdict != Equality::equal && verdict != Equality::different) continue;
      lines += name + "\t" + (verdict == Equality::equal ? "equal" : "different") + "\t" + to_python(a) +
               "\t" + to_python(b) + "\n";
    }
    EXPECT_GE(counts[Equality::equal] + counts[Equality::different], static_cast<int>(num_pairs * 98 / 100))
        << name;
  }
  write_text(file, lines);
  const auto script = source_dir() / "tests" / "grade" / "scalars_oracle.py";
  const auto result = run_command(python->string() + " " + script.string() + " " + file.string());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  std::cout << result.output;
}

}  // namespace
}  // namespace reckon
