#include "reckon/model/weight_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kIndex = "model.safetensors.index.json";

TensorView view(const std::string& name, const std::vector<float>& values) {
  return {.name = name,
          .dtype = TensorDtype::f32,
          .shape = {static_cast<std::int64_t>(values.size())},
          .data = std::as_bytes(std::span(values))};
}

class WeightFilesTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  std::vector<float> a{1, 2, 3}, b{4, 5}, c{6};

  /// Two shards: {a} and {b, c}.
  void SetUp() override {
    const std::vector<TensorView> tensors{view("a", a), view("b", b), view("c", c)};
    write_weight_files(folder.path(), tensors, 12);
  }
  [[nodiscard]] json index() const { return json::parse(testing::read_text(folder.path() / kIndex)); }
  void set_index(const json& object) const { testing::write_text(folder.path() / kIndex, object.dump()); }
  [[nodiscard]] std::string error(ExitCode code = ExitCode::bad_data) const {
    try {
      (void)WeightFiles::open(folder.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(WeightFilesTest, ShardsAreFilledInOrderAndReadBack) {
  EXPECT_EQ(index(), (json{{"metadata", {{"total_size", 24}}},
                           {"weight_map",
                            {{"a", "model-00001-of-00002.safetensors"},
                             {"b", "model-00002-of-00002.safetensors"},
                             {"c", "model-00002-of-00002.safetensors"}}}}));
  const WeightFiles weights = WeightFiles::open(folder.path());
  ASSERT_EQ(weights.tensors().size(), 3u);
  std::vector<float> read(2);
  to_float32(*weights.find("b"), "x", read);
  EXPECT_EQ(read, b);
  EXPECT_EQ(weights.find("d"), nullptr);
}

TEST_F(WeightFilesTest, PathsOutOfTheFolderAreRefused) {
  for (const char* path : {"../model.safetensors", "/etc/passwd", "..", "sub/x.safetensors", "a\\b", ""}) {
    json object = index();
    object["weight_map"]["b"] = path;
    set_index(object);
    EXPECT_EQ(error(), (folder.path() / kIndex).string() + ": tensor \"b\" is in " + json(path).dump() +
                           " (need the name of a file of this folder, without a path)");
  }
  json object = index();
  object["weight_map"]["b"] = 7;
  set_index(object);
  EXPECT_THAT(error(), HasSubstr("tensor \"b\" is in 7 (need a file name)"));
}

TEST_F(WeightFilesTest, EachTensorMustBeWhereTheIndexSays) {
  json object = index();
  object["weight_map"]["a"] = "model-00002-of-00002.safetensors";
  object["weight_map"]["d"] = "model-00001-of-00002.safetensors";
  object["weight_map"].erase("c");
  set_index(object);
  const std::string at = (folder.path() / kIndex).string() + ": tensor ";
  EXPECT_EQ(error(), at +
                         "\"a\" is in model-00001-of-00002.safetensors, and the index says "
                         "model-00002-of-00002.safetensors\n" +
                         at + "\"c\" of model-00002-of-00002.safetensors is not in the index\n" + at +
                         "\"d\" is missing in model-00001-of-00002.safetensors");
}

TEST_F(WeightFilesTest, ATensorInTwoShardsIsNamed) {
  const std::vector<TensorView> twice{view("a", a), view("b", b), view("c", c)};
  write_safetensors(folder.path() / "model-00002-of-00002.safetensors", twice);
  EXPECT_EQ(error(), (folder.path() / kIndex).string() +
                         ": tensor \"a\" is in model-00001-of-00002.safetensors and in "
                         "model-00002-of-00002.safetensors (need it once)");
}

TEST_F(WeightFilesTest, AMissingOrShortenedShardIsNamed) {
  const fs::path shard = folder.path() / "model-00002-of-00002.safetensors";
  fs::resize_file(shard, fs::file_size(shard) - 1);
  EXPECT_THAT(error(), HasSubstr("model-00002-of-00002.safetensors: "));
  fs::remove(shard);
  EXPECT_THAT(error(ExitCode::missing_input),
              HasSubstr("shard model-00002-of-00002.safetensors is missing. Was the download cut off?"));
}

TEST_F(WeightFilesTest, ABrokenIndexIsRefused) {
  testing::write_text(folder.path() / kIndex, "{\"weight_map\": {");
  EXPECT_THAT(error(), HasSubstr("is not valid JSON"));
  set_index({{"metadata", {}}});
  EXPECT_THAT(error(), HasSubstr("no \"weight_map\""));
  testing::write_text(folder.path() / kIndex,
                      R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("key \"a\" stands twice"));
}

TEST_F(WeightFilesTest, AFolderWithoutWeightsSaysWhatItNeeds) {
  const testing::TempDir empty;
  const auto message = [&] {
    try {
      (void)WeightFiles::open(empty.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::missing_input);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message(),
            empty.path().string() + ": no weights (need model.safetensors or model.safetensors.index.json)");
  testing::write_text(empty.path() / "pytorch_model.bin", "x");
  EXPECT_THAT(message(), HasSubstr("pytorch_model.bin is a pickle"));
}

/// All 65,536 patterns of 16 bits as a tensor.
std::vector<std::uint16_t> all_halves() {
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  return halves;
}

TEST(Dtypes, EveryHalfSurvivesTheWayThereAndBack) {
  const auto halves = all_halves();
  for (const TensorDtype dtype : {TensorDtype::bf16, TensorDtype::f16}) {
    const TensorView tensor{
        .name = "x", .dtype = dtype, .shape = {65536}, .data = std::as_bytes(std::span(halves))};
    std::vector<float> values(65536);
    to_float32(tensor, "x", values);
    const auto bytes = from_float32(values, dtype);
    for (std::size_t i = 0; i < halves.size(); ++i) {
      std::uint16_t back = 0;
      std::memcpy(&back, bytes.data() + 2 * i, 2);
      if (std::isnan(values[i])) {  // stays one, with its sign
        float again = 0;
        const TensorView one{
            .name = "x", .dtype = dtype, .shape = {1}, .data = std::span(bytes).subspan(2 * i, 2)};
        to_float32(one, "x", {&again, 1});
        ASSERT_TRUE(std::isnan(again)) << i;
      } else {
        ASSERT_EQ(back, halves[i]) << dtype_name(dtype);
      }
    }
  }
}

float rounded(float value, TensorDtype dtype) {
  const auto bytes = from_float32({&value, 1}, dtype);
  float back = 0;
  to_float32({.name = "x", .dtype = dtype, .shape = {1}, .data = bytes}, "x", {&back, 1});
  return back;
}

TEST(Dtypes, HalvesAreWhatIeee754Says) {
  const std::vector<std::pair<std::uint16_t, float>> f16 = {{0x3C00, 1.0f},
                                                            {0xC000, -2.0f},
                                                            {0x7BFF, 65504.0f},
                                                            {0x0001, 0x1p-24f},
                                                            {0x03FF, 1023 * 0x1p-24f},
                                                            {0x0400, 0x1p-14f},
                                                            {0x3555, 0.333251953125f},
                                                            {0x7C00, INFINITY}};
  for (const auto& [bits, value] : f16) {
    const TensorView tensor{
        .name = "x", .dtype = TensorDtype::f16, .shape = {1}, .data = std::as_bytes(std::span(&bits, 1))};
    float read = 0;
    to_float32(tensor, "x", {&read, 1});
    EXPECT_EQ(read, value);
  }
}

TEST(Dtypes, RoundingIsToNearestAndTiesGoToEven) {
  // f16 has 11 significant bits: 2049 lies between 2048 and 2050, 2051 between 2050 and 2052.
  EXPECT_EQ(rounded(2049.0f, TensorDtype::f16), 2048.0f);
  EXPECT_EQ(rounded(2051.0f, TensorDtype::f16), 2052.0f);
  EXPECT_EQ(rounded(2049.01f, TensorDtype::f16), 2050.0f);
  EXPECT_EQ(rounded(65519.0f, TensorDtype::f16), 65504.0f);
  EXPECT_EQ(rounded(65520.0f, TensorDtype::f16), INFINITY);
  EXPECT_EQ(rounded(-1e30f, TensorDtype::f16), -INFINITY);
  EXPECT_EQ(rounded(0x1p-25f, TensorDtype::f16), 0.0f);  // half of the smallest: a tie, to zero
  EXPECT_EQ(rounded(0x1.01p-25f, TensorDtype::f16), 0x1p-24f);
  EXPECT_EQ(rounded(3 * 0x1p-25f, TensorDtype::f16), 0x1p-23f);
  // bf16 has 8: 257 lies between 256 and 258, 259 between 258 and 260.
  EXPECT_EQ(rounded(257.0f, TensorDtype::bf16), 256.0f);
  EXPECT_EQ(rounded(259.0f, TensorDtype::bf16), 260.0f);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max(), TensorDtype::bf16), INFINITY);
  EXPECT_TRUE(std::isnan(rounded(std::nanf(""), TensorDtype::bf16)));
  EXPECT_TRUE(std::isnan(rounded(std::nanf(""), TensorDtype::f16)));
}

TEST(Dtypes, OthersAreRefusedByName) {
  const TensorView tensor{.name = "w", .dtype = TensorDtype::i32, .shape = {0}, .data = {}};
  try {
    to_float32(tensor, "file", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "file: tensor \"w\" is I32 (need F32, BF16 or F16)");
  }
  EXPECT_THROW((void)from_float32({}, TensorDtype::f64), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
