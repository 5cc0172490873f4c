#include "reckon/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

std::string size_bytes(std::uint64_t size) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes;
}

/// A file made by hand: header size, header, data.
std::string file_of(const std::string& header, const std::string& data = "") {
  return size_bytes(header.size()) + header + data;
}

TensorView view_of(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  return {.name = std::move(name),
          .dtype = TensorDtype::f32,
          .shape = std::move(shape),
          .data = std::as_bytes(values)};
}

struct BadFile {
  std::string title;
  std::string bytes;
  std::string message;  ///< behind "<file>: "
};

std::vector<BadFile> bad_files() {
  const std::string eight(8, 'x');
  const auto tensor = [](const std::string& fields) { return "{\"w\":{" + fields + "}}"; };
  const std::string f32 = R"("dtype":"F32",)";
  const auto with = [&](const std::string& shape, const std::string& offsets) {
    return file_of(tensor(f32 + R"("shape":)" + shape + R"(,"data_offsets":)" + offsets), eight);
  };
  const auto two = [&](const std::string& first, const std::string& second, const std::string& data) {
    return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                       R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                   data);
  };
  const std::string list = " (need a list of whole numbers, 0 or more)";
  return {
      {"Empty", "", "is empty (need a safetensors file)"},
      {"SevenBytes", "1234567", "only 7 bytes long (need at least 8). Was the download cut off?"},
      {"HeaderSizeTwoTo63", size_bytes(std::uint64_t{1} << 63) + "{}",
       "header size 9223372036854775808 is over the limit of 100000000 bytes. Is this a safetensors file?"},
      {"HeaderSizeAllOnes", size_bytes(~std::uint64_t{0}) + "{}",
       "header size 18446744073709551615 is over the limit of 100000000 bytes. Is this a safetensors file?"},
      {"HeaderSizeZero", size_bytes(0) + "{}", "the header does not begin with { (need a JSON object)"},
      {"HeaderCutOff", size_bytes(50) + "{}",
       "ends within its header: 2 of 50 bytes are there. Was the download cut off?"},
      {"HeaderOfBlanks", file_of(std::string(64, ' ')),
       "the header does not begin with { (need a JSON object)"},
      {"HeaderIsAList", file_of("[]"), "the header does not begin with { (need a JSON object)"},
      {"NotJson", file_of("{\"w\":}"), "the header is not JSON at its byte 6"},
      {"TwoObjects", file_of("{}{}"), "the header is not JSON at its byte 3"},
      {"BadUtf8", file_of("{\"\xff\":1}"), "the header is not UTF-8 text at its byte 3"},
      {"LfsPointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
       "is a Git LFS pointer, not the weights (need the file itself). Run `git lfs pull` where it was "
       "cloned"},
      {"WebPage", "<!DOCTYPE html>\n<html></html>",
       "is a web page, not weights. Was it saved from a page instead of a download link?"},
      {"Pickle", "PK\x03\x04\0\0\x08\x08"s + eight,
       "is a zip archive, as torch.save writes it (need safetensors). Convert it first"},
      {"DoubleTensor", file_of(R"({"w":{},"w":{}})"), R"(tensor "w" is described twice)"},
      {"DoubleKey", file_of(tensor(R"("dtype":"F32","dtype":"U8")")),
       R"(tensor "w": key "dtype" stands twice)"},
      {"UnknownKey", file_of(tensor(R"("strides":[1])")),
       R"(tensor "w": unknown key "strides" (need dtype, shape and data_offsets))"},
      {"TensorIsANumber", file_of(R"({"w":3})"), R"(tensor "w" is 3 (need an object))"},
      {"MetadataIsText", file_of(R"({"__metadata__":"pt"})"), R"(__metadata__ is "pt" (need an object))"},
      {"MetadataHoldsANumber", file_of(R"({"__metadata__":{"step":7}})"),
       R"(__metadata__: key "step" is 7 (need text))"},
      {"NoDtype", file_of(tensor(R"("shape":[2],"data_offsets":[0,8])"), eight),
       R"(tensor "w": has no dtype)"},
      {"NoShape", file_of(tensor(f32 + R"("data_offsets":[0,8])"), eight), R"(tensor "w": has no shape)"},
      {"NoOffsets", file_of(tensor(f32 + R"("shape":[2])"), eight), R"(tensor "w": has no data_offsets)"},
      {"UnknownDtype", file_of(tensor(R"("dtype":"F31","shape":[2],"data_offsets":[0,8])"), eight),
       R"(tensor "w": unknown dtype "F31")"},
      {"DtypeIsANumber", file_of(tensor(R"("dtype":4)")), R"(tensor "w": dtype is 4 (need text))"},
      {"NegativeOffset", with("[2]", "[-8,0]"), R"(tensor "w": data_offsets holds -8)" + list},
      {"FractionalOffset", with("[2]", "[0,8.0]"), R"(tensor "w": data_offsets holds 8.0)" + list},
      {"OffsetOverTwoTo64", with("[2]", "[0,18446744073709551624]"),
       R"(tensor "w": data_offsets holds 18446744073709551624)" + list},
      {"TextInShape", with("[\"2\"]", "[0,8]"), R"(tensor "w": shape holds "2")" + list},
      {"NestedShape", with("[[2]]", "[0,8]"), R"(tensor "w": shape holds an array)" + list},
      {"ThreeOffsets", with("[2]", "[0,8,8]"),
       R"(tensor "w": data_offsets has 3 numbers (need begin and end))"},
      {"BackwardOffsets", with("[2]", "[8,0]"), R"(tensor "w": data_offsets [8, 0] run backwards)"},
      {"ShapeOverflow", with("[4294967296,4294967296]", "[0,8]"),
       R"(tensor "w": its shape has more bytes than 63 bits can count)"},
      {"ShapeOverflowByElementSize", with("[4611686018427387904]", "[0,8]"),
       R"(tensor "w": its shape has more bytes than 63 bits can count)"},
      {"ShapeAndSpanDiffer", with("[3]", "[0,8]"),
       R"(tensor "w": shape [3] of F32 takes 12 bytes but data_offsets [0, 8] span 8)"},
      {"DataCutOff", with("[4]", "[0,16]"),
       R"(tensor "w": data_offsets [0, 16] end behind the data, which are 8 bytes. Was the download cut off?)"},
      {"Overlap", two("[0,4]", "[2,6]", "123456"),
       R"(tensor "b": begins at byte 2 of the data but the one before overlaps it, ending at 4)"},
      {"Hole", two("[0,4]", "[5,9]", "123456789"),
       R"(tensor "b": begins at byte 5 of the data but the one before leaves a hole, ending at 4)"},
      {"BytesBehindTheEnd", two("[0,4]", "[4,8]", "123456789"),
       "the tensors end at byte 8 of the data, which are 9 bytes (need them equal). Was something appended?"},
      {"MillionBrackets", file_of("{\"w\":" + std::string(1'000'000, '[')),
       R"(tensor "w" is an array (need an object))"},
  };
}

class BadSafetensors : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadSafetensors, IsRefusedWithItsOwnMessage) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "model.safetensors";
  testing::write_text(file, GetParam().bytes);
  try {
    (void)SafetensorsFile::open(file);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_EQ(error.what(), file.string() + ": " + GetParam().message);
  }
}
INSTANTIATE_TEST_SUITE_P(Files, BadSafetensors, ::testing::ValuesIn(bad_files()),
                         [](const auto& test) { return test.param.title; });

TEST(Safetensors, ReadsAFileMadeByHand) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "hand.safetensors";
  const std::string data("\x00\x00\x80\x3f\x00\x00\x00\xc0\x01\x00", 10);  // 1.f, -2.f, the 16 bits 0x0001
  testing::write_text(
      file, file_of(R"({"z":{"dtype":"BF16","shape":[],"data_offsets":[8,10]},)"
                    R"("__metadata__":{"k":"v"},"e":{"dtype":"F64","shape":[3,0],"data_offsets":[8,8]},)"
                    R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   )",
                    data));
  const auto opened = SafetensorsFile::open(file);
  ASSERT_EQ(opened.tensors().size(), 3U);
  EXPECT_EQ(opened.tensors()[0].name, "a");
  EXPECT_THAT(opened.tensors()[0].shape, ElementsAre(1, 2));
  std::array<float, 2> values{};
  ASSERT_EQ(opened.tensors()[0].data.size(), sizeof(values));
  std::memcpy(values.data(), opened.tensors()[0].data.data(), sizeof(values));
  EXPECT_THAT(values, ElementsAre(1.f, -2.f));
  ASSERT_NE(opened.find("e"), nullptr);
  EXPECT_EQ(opened.find("e")->dtype, TensorDtype::f64);
  EXPECT_TRUE(opened.find("e")->data.empty());
  ASSERT_NE(opened.find("z"), nullptr);
  EXPECT_EQ(opened.find("z")->dtype, TensorDtype::bf16);
  EXPECT_TRUE(opened.find("z")->shape.empty());
  EXPECT_THAT(opened.find("z")->data, ElementsAre(std::byte{1}, std::byte{0}));
  EXPECT_EQ(opened.find("b"), nullptr);
  EXPECT_EQ(opened.metadata().at("k"), "v");
}

TEST(Safetensors, WritesTheBytesOfTheFormatInAnOrderOfItsOwn) {
  const testing::TempDir folder;
  const std::vector<float> two = {1.f, -2.f};
  const std::vector<float> one = {0.5f};
  const std::vector<std::uint8_t> byte = {7};
  const TensorView small{
      .name = "a", .dtype = TensorDtype::u8, .shape = {1}, .data = std::as_bytes(std::span(byte))};
  write_safetensors(folder.path() / "1", std::vector{small, view_of("c", {2}, two), view_of("b", {}, one)});
  write_safetensors(folder.path() / "2", std::vector{view_of("b", {}, one), view_of("c", {2}, two), small});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("c":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[12,13]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const std::string data("\x00\x00\x00\x3f\x00\x00\x80\x3f\x00\x00\x00\xc0\x07", 13);
  EXPECT_EQ(testing::read_text(folder.path() / "1"), file_of(padded, data));
  EXPECT_EQ(testing::read_text(folder.path() / "2"), file_of(padded, data));
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "model.safetensors";
  const std::vector<float> values = {1.f, 2.f, 3.f, 4.f, 5.f, 6.f};
  write_safetensors(file,
                    std::vector{view_of("w", {2, 3}, values), view_of("quote\"\n\xc3\xa9", {0, 4}, {})});
  const auto opened = SafetensorsFile::open(file);
  ASSERT_EQ(opened.tensors().size(), 2U);
  ASSERT_NE(opened.find("w"), nullptr);
  EXPECT_THAT(opened.find("w")->shape, ElementsAre(2, 3));
  EXPECT_EQ(std::memcmp(opened.find("w")->data.data(), values.data(), 24), 0);
  ASSERT_NE(opened.find("quote\"\n\xc3\xa9"), nullptr);
  EXPECT_FALSE(fs::exists(file.string() + ".tmp"));
}

TEST(Safetensors, TheWriterRefusesWhatItsReaderWould) {
  const testing::TempDir folder;
  const std::vector<float> two = {1.f, -2.f};
  const auto write = [&](std::vector<TensorView> views) { write_safetensors(folder.path() / "x", views); };
  EXPECT_THROW(write({view_of("w", {3}, two)}), std::invalid_argument);
  EXPECT_THROW(write({view_of("w", {-2}, two)}), std::invalid_argument);
  EXPECT_THROW(write({view_of("w", {2}, two), view_of("w", {2}, two)}), std::invalid_argument);
  EXPECT_THROW(write({view_of("__metadata__", {2}, two)}), std::invalid_argument);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Safetensors, AMissingFileAndAFolderAreMissingInput) {
  const testing::TempDir folder;
  for (const fs::path& path : {folder.path() / "none.safetensors", folder.path()}) {
    try {
      (void)SafetensorsFile::open(path);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::missing_input);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
    }
  }
}

TEST(Safetensors, AHeaderFullOfBlanksIsReadQuickly) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "blanks.safetensors";
  testing::write_text(file, file_of("{}" + std::string(90'000'000, ' ')));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(SafetensorsFile::open(file).tensors().empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(Safetensors, EveryCutOfAFileIsRefused) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "model.safetensors";
  const std::vector<float> values = {1.f, 2.f, 3.f, 4.f};
  write_safetensors(file, std::vector{view_of("w", {4}, values)});
  const std::string whole = testing::read_text(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    testing::write_text(file, whole.substr(0, size));
    EXPECT_THROW((void)SafetensorsFile::open(file), Error) << size << " bytes";
  }
}

TEST(Safetensors, MismatchesAreAllListed) {
  const testing::TempDir folder;
  const fs::path file = folder.path() / "model.safetensors";
  const std::vector<float> values = {1.f, 2.f};
  write_safetensors(
      file, std::vector{view_of("a", {2}, values), view_of("b", {1, 2}, values), view_of("c", {2}, values)});
  const std::vector<TensorSpec> expected = {{"a", {2}}, {"b", {2, 1}}, {"d", {5}}};
  EXPECT_THAT(
      tensor_mismatches(SafetensorsFile::open(file).tensors(), expected),
      ElementsAre("tensor \"b\" has shape [1, 2] (need [2, 1])", "tensor \"d\" is missing (need shape [5])",
                  "tensor \"c\" of shape [2] is not part of the model"));
}

TEST(Safetensors, PythonReadsOursAndWritesTheSameTensorsBack) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no Python with the oracle packages";
  const testing::TempDir folder;
  const std::vector<float> values = {1.5f, -2.f, 3e-30f, 4e30f, 0.f, -0.f};
  const std::vector<std::uint16_t> halves = {0x3c00, 0xc000, 0x7bff};  // float16 1, -2, 65504
  const TensorView half{
      .name = "h", .dtype = TensorDtype::f16, .shape = {3}, .data = std::as_bytes(std::span(halves))};
  write_safetensors(folder.path() / "ours",
                    std::vector{half, view_of("w", {2, 3}, values), view_of("e", {0}, {})});
  testing::write_text(folder.path() / "oracle.py", R"(
import sys, numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
folder = sys.argv[1]
with safe_open(folder + "/ours", framework="np") as file:
    assert file.metadata() == {"format": "pt"}, file.metadata()
tensors = load_file(folder + "/ours")
assert sorted(tensors) == ["e", "h", "w"], tensors
assert tensors["h"].dtype == np.float16 and tensors["h"].tolist() == [1.0, -2.0, 65504.0]
assert tensors["w"].tolist() == np.array([[1.5, -2, 3e-30], [4e30, 0, -0.0]], np.float32).tolist()
assert tensors["e"].shape == (0,)
save_file({"theirs": tensors["w"].T.copy(), "one": np.array(-7, np.int64)}, folder + "/theirs", {"who": "python"})
print("ok")
)");
  const auto result =
      testing::run_command("'" + python->string() + "' '" + (folder.path() / "oracle.py").string() + "' '" +
                           folder.path().string() + "'");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto theirs = SafetensorsFile::open(folder.path() / "theirs");
  EXPECT_EQ(theirs.metadata().at("who"), "python");
  ASSERT_NE(theirs.find("theirs"), nullptr);
  EXPECT_THAT(theirs.find("theirs")->shape, ElementsAre(3, 2));
  const std::vector<float> turned = {1.5f, 4e30f, -2.f, 0.f, 3e-30f, -0.f};
  EXPECT_EQ(std::memcmp(theirs.find("theirs")->data.data(), turned.data(), 24), 0);
  ASSERT_NE(theirs.find("one"), nullptr);
  EXPECT_EQ(theirs.find("one")->dtype, TensorDtype::i64);
  std::int64_t one = 0;
  std::memcpy(&one, theirs.find("one")->data.data(), sizeof(one));
  EXPECT_EQ(one, -7);
}

}  // namespace
}  // namespace reckon
