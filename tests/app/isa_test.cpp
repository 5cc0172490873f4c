// RECKON_ISA, as a user sets it.
#include "reckon/ops/isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/base/philox.h"
#include "reckon/model/pretrained.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class IsaOfTheProgram : public ::testing::Test {
 protected:
  testing::TempDir folder;

  void SetUp() override {
    // Several blocks of keys and of the vocabulary, with tails: 61 tokens, 37 words.
    save_pretrained(folder.path() / "model", *testing::tiny_model(5, 37), {});
    RandomStream random(1, 2);
    std::string line = "{\"ids\": [";
    for (int i = 0; i < 61; ++i) line += (i == 0 ? "" : ", ") + std::to_string(random.below(37));
    testing::write_text(folder.path() / "in", line + "]}\n");
  }

  /// Standard output of `reckon score`; standard error goes to `error`.
  testing::CommandResult score(const std::string& environment, const std::string& arguments = "") {
    const std::string binary = (testing::binary_dir() / "bin" / "reckon").string();
    testing::CommandResult result = testing::run_command(
        "(" + environment + " " + binary + " score --model " + (folder.path() / "model").string() + " " +
        arguments + " " + (folder.path() / "in").string() + " 2>" + (folder.path() / "err").string() + ")");
    error = testing::read_text(folder.path() / "err");
    return result;
  }

  static bool has_avx512() { return active_isa() == "avx512"; }

  std::string error;
};

// Log-probs are printed as they are: equal lines are equal bits.
TEST_F(IsaOfTheProgram, Float32LogprobsHaveTheSameBits) {
  if (!has_avx512()) GTEST_SKIP() << "this machine has no AVX-512";
  const auto narrow = score("RECKON_ISA=avx2");
  ASSERT_EQ(narrow.exit_code, 0) << error;
  const auto wide = score("RECKON_ISA=avx512");
  ASSERT_EQ(wide.exit_code, 0) << error;
  EXPECT_EQ(std::count(narrow.output.begin(), narrow.output.end(), ','), 59) << "60 log-probs";
  EXPECT_EQ(narrow.output, wide.output);
  EXPECT_EQ(score("RECKON_ISA=").output, wide.output);
}

// oneDNN chooses the instructions of matrix products by itself; told to use AVX2, it adds in the same order.
TEST_F(IsaOfTheProgram, Float32LogprobsHaveTheSameBitsWithProductsInAvx2) {
  if (!has_avx512()) GTEST_SKIP() << "this machine has no AVX-512";
  const auto narrow = score("RECKON_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2");
  ASSERT_EQ(narrow.exit_code, 0) << error;
  EXPECT_EQ(narrow.output, score("RECKON_ISA=avx512").output);
}

TEST_F(IsaOfTheProgram, AnUnknownNameIsRefused) {
  EXPECT_EQ(score("RECKON_ISA=nonsense").exit_code, 78);
  EXPECT_THAT(error, HasSubstr("RECKON_ISA is \"nonsense\" (need avx2 or avx512)"));
}

TEST_F(IsaOfTheProgram, Bfloat16IsRefusedWithoutItsInstruction) {
  // Ours, and oneDNN's, which does the products.
  for (const char* less : {"RECKON_ISA=avx2", "ONEDNN_MAX_CPU_ISA=AVX2"}) {
    EXPECT_EQ(score(less, "--compute-dtype bfloat16").exit_code, 78) << less;
    EXPECT_THAT(error, HasSubstr("compute_dtype bfloat16: this machine has not the instruction for it "
                                 "(AVX512_BF16), or the environment forbids it"));
  }
}

}  // namespace
}  // namespace reckon
