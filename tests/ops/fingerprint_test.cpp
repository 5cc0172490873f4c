#include "reckon/ops/fingerprint.h"

#include <gtest/gtest.h>

#include <set>

#include "reckon/ops/isa.h"

namespace reckon {
namespace {

TEST(Fingerprint, IsTheSameEachTimeAndAnotherForEachPrecision) {
  std::vector<Precision> precisions{{}, {ComputeDtype::float32, KvDtype::bfloat16}};
  if (active_isa() == "avx512" && __builtin_cpu_supports("avx512bf16") != 0) {
    precisions.push_back(ComputeDtype::bfloat16);
    precisions.push_back({ComputeDtype::bfloat16, KvDtype::float32});
  }
  std::set<std::string> prints;
  for (const Precision precision : precisions) {
    const std::string print = numerics_fingerprint(precision);
    EXPECT_EQ(print.size(), 64u);
    EXPECT_EQ(print, numerics_fingerprint(precision));
    prints.insert(print);
  }
  EXPECT_EQ(prints.size(), precisions.size());
}

// The same on every machine: sums in one order on AVX2 and AVX-512. A change of any operation's bits shows
// here, is to be meant, and breaks the replay of older logs: put the new value in, and a line in
// CHANGELOG.md.
TEST(Fingerprint, OfFloat32IsThisOne) {
  EXPECT_EQ(numerics_fingerprint({}).substr(0, 16), "35fd6347e47ca015");
}

}  // namespace
}  // namespace reckon
