#include "reckon/lineage/manifest.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "reckon/base/sha256.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr const char* kHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// A manifest of one file; its last line is Python's hashlib's.
const std::string kText = R"({
  "schema": "test/1",
  "facts": {
    "step": "12"
  },
  "files": [
    {
      "path": "a/b",
      "bytes": 5,
      "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    }
  ],
  "sha256": "c030484d1cf2c369b9916cc57216ba11bebb026c9b484be1bd726c07e8ba0dd1"
}
)";

Manifest sample() {
  return {.schema = "test/1", .facts = {{"step", "12"}}, .files = {{"a/b", 5, kHello}}};
}

std::string refusal(const std::string& text) {
  return error_of(ExitCode::bad_data, [&] { static_cast<void>(parse_manifest(text, "test/1", "m.json")); });
}

/// A manifest with this list of files and a hash of its own that fits.
std::string forged(const std::string& files, const std::string& schema_line = R"("schema": "test/1")") {
  const std::string before = "{\n  " + schema_line + ",\n  \"facts\": {},\n  \"files\": " + files + ",\n  ";
  return before + "\"sha256\": \"" + sha256_hex(before) + "\"\n}\n";
}

std::string with_path(const std::string& path) {
  return R"({"path": )" + path + R"(, "bytes": 5, "sha256": ")" + kHello + "\"}";
}

TEST(Manifest, IsTheBytesThatTheDefinitionGives) {
  EXPECT_EQ(manifest_json(sample()), kText);
  EXPECT_THAT(manifest_json({.schema = "test/1", .facts = {}, .files = {}}),
              HasSubstr("462a811f92a537e7b46fad1eed604126aa4acb9d476074ce582bcbb21b33519e"));
}

TEST(Manifest, ReadsBack) {
  const Manifest read = parse_manifest(kText, "test/1", "m.json");
  EXPECT_EQ(read.schema, "test/1");
  EXPECT_EQ(read.facts, sample().facts);
  EXPECT_EQ(read.files, sample().files);
}

TEST(Manifest, IsTheSameInWhateverOrderTheFilesWere) {
  Manifest forward = sample(), backward = sample();
  forward.files = {{"a", 5, kHello}, {"a/b", 5, kHello}, {"b", 18446744073709551615U, kHello}};
  backward.files = {forward.files.rbegin(), forward.files.rend()};
  EXPECT_EQ(manifest_json(forward), manifest_json(backward));
  EXPECT_EQ(parse_manifest(manifest_json(backward), "test/1", "m.json").files, forward.files);
}

TEST(Manifest, RefusesEveryFlippedBitOfItself) {
  for (std::size_t bit = 0; bit < 8 * kText.size(); ++bit) {
    std::string bad = kText;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_THAT(refusal(bad), StartsWith("m.json: ")) << "bit " << bit;
  }
}

TEST(Manifest, RefusesEveryCutOfItself) {
  for (std::size_t size = 0; size < kText.size(); ++size) {
    ASSERT_THAT(refusal(kText.substr(0, size)), StartsWith("m.json: ")) << size;
  }
  EXPECT_THAT(refusal(kText + "\n"), HasSubstr("is not what its own \"sha256\" says"));
  for (const char* end : {"\"\n} ", "\"\t}\n", "\" }\n"}) {  // JSON of the same content
    const std::string respaced = kText.substr(0, kText.size() - 4) + end;
    EXPECT_THAT(refusal(respaced), HasSubstr("is not what its own \"sha256\" says")) << end;
  }
  EXPECT_THAT(refusal("\xEF\xBB\xBF" + kText), HasSubstr("is not what its own \"sha256\" says"));
}

TEST(Manifest, SaysWhatIsWrongWithIt) {
  EXPECT_THAT(refusal("no JSON"), StartsWith("m.json: not JSON: "));
  EXPECT_EQ(refusal("[]"), "m.json: is a JSON array (need an object)");
  EXPECT_EQ(refusal("{}"), "m.json: no \"schema\" (need a member of that name)");
  EXPECT_EQ(refusal(forged("[]", R"("schema": "other/1")")), "m.json: schema \"other/1\" (need \"test/1\")");
  EXPECT_EQ(refusal(R"({"schema": "test/1"})"), "m.json: no \"sha256\" (need a member of that name)");
  EXPECT_EQ(refusal(R"({"schema": "test/1", "sha256": "abc"})"),
            "m.json: \"sha256\" is \"abc\" (need a SHA-256: 64 lower-case hexadecimal digits)");
  std::string edited = kText;
  edited.replace(edited.find("12"), 2, "13");
  EXPECT_EQ(refusal(edited), "m.json: its content is not what its own \"sha256\" says (need " +
                                 sha256_hex(edited.substr(0, edited.rfind("\"sha256\""))) +
                                 " of the bytes before it). It was damaged or changed.");
  EXPECT_EQ(refusal(forged("[]", "\"schema\": \"test/1\",\n  \"more\": 1")),
            "m.json: unknown member \"more\" (need none of that name)");
  EXPECT_EQ(refusal(forged("[]", "\"schema\": \"test/1\",\n  \"schema\": \"test/1\"")),
            "m.json: key \"schema\" stands twice in one object (need it once)");
  EXPECT_EQ(refusal(forged("{}")), "m.json: \"files\" is a JSON object (need an array)");
  EXPECT_EQ(refusal(forged("[7]")), "m.json: files[0]: is a JSON number (need an object)");
  const std::string deep(300, '[');
  EXPECT_EQ(refusal(deep), "m.json: JSON nested deeper than 256 levels");
  std::string wide = "{";
  for (int i = 0; i <= 4096; ++i) wide += "\"" + std::to_string(i) + "\": 1, ";
  EXPECT_EQ(refusal(wide), "m.json: a JSON object has more than 4096 members");
}

TEST(Manifest, RefusesNumbersThatAreNoSizes) {
  for (const char* size : {"-1", "1.0", "1e3", "18446744073709551616", "\"5\"", "null", "true", "[5]"}) {
    const std::string file =
        R"([{"path": "a", "bytes": )" + std::string(size) + R"(, "sha256": ")" + kHello + "\"}]";
    EXPECT_THAT(refusal(forged(file)), StartsWith("m.json: files[0]: \"bytes\" is ")) << size;
    EXPECT_THAT(refusal(forged(file)), HasSubstr("(need an integer from 0 to 2^64 - 1)")) << size;
  }
  for (const std::string& digits : {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
                                    std::string(63, 'a') + "g", std::string()}) {
    const std::string file = R"([{"path": "a", "bytes": 5, "sha256": ")" + digits + "\"}]";
    EXPECT_THAT(refusal(forged(file)), StartsWith("m.json: files[0]: \"sha256\" is "));
  }
}

TEST(Manifest, RefusesPathsThatLeadOutOfTheFolder) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("/etc/passwd")", "path \"/etc/passwd\" is absolute (need a path within the folder"},
      {R"("..")", "path \"..\" leads out of the folder"},
      {R"("../a")", "path \"../a\" leads out of the folder"},
      {R"("a/../../b")", "leads out of the folder"},
      {R"("a/..")", "leads out of the folder"},
      {R"("")", "path \"\" is empty"},
      {R"(".")", "has a part that names nothing"},
      {R"("./a")", "has a part that names nothing"},
      {R"("a//b")", "has a part that names nothing"},
      {R"("a/")", "has a part that names nothing"},
      {R"("a\u0000/../..")", "has a zero byte in it"},
  };
  for (const auto& [path, message] : cases) {
    EXPECT_THAT(refusal(forged("[" + with_path(path) + "]")), StartsWith("m.json: files[0]: ")) << path;
    EXPECT_THAT(refusal(forged("[" + with_path(path) + "]")), HasSubstr(message));
  }
  EXPECT_NO_THROW(static_cast<void>(
      parse_manifest(forged("[" + with_path(R"("..a/b../...")") + "]"), "test/1", "m.json")));
  EXPECT_EQ(refusal(forged("[" + with_path("\"a\"") + ", " + with_path("\"a\"") + "]")),
            "m.json: path \"a\" stands twice (need each path once, in order)");
  EXPECT_EQ(refusal(forged("[" + with_path("\"b\"") + ", " + with_path("\"a\"") + "]")),
            "m.json: path \"a\" stands out of order (need each path once, in order)");
}

TEST(Manifest, WritesNoneThatItWouldNotRead) {
  const auto failure = [](const Manifest& manifest) {
    return error_of(ExitCode::internal, [&] { static_cast<void>(manifest_json(manifest)); });
  };
  Manifest manifest = sample();
  manifest.files.push_back(manifest.files[0]);
  EXPECT_EQ(failure(manifest), "manifest_json: path \"a/b\" stands twice");
  manifest.files = {{"../a", 5, kHello}};
  EXPECT_EQ(failure(manifest), "manifest_json: path \"../a\" leads out of the folder");
  manifest.files = {{"gr\xF6\xDF", 5, kHello}};
  EXPECT_THAT(failure(manifest), HasSubstr("cannot be written as JSON: invalid UTF-8"));
  manifest.files = {{"a", 5, "abc"}};
  EXPECT_THAT(failure(manifest), HasSubstr("\"a\" has the SHA-256 \"abc\""));
}

class ManifestFolder : public ::testing::Test {
 protected:
  testing::TempDir temp;
  fs::path folder = temp.path() / "step-000100";
  Manifest manifest;

  void SetUp() override {
    fs::create_directories(folder / "state");
    testing::write_text(folder / "config.json", "hello");
    testing::write_text(folder / "state" / "moments", std::string(1000, 'x'));
    testing::write_text(folder / "manifest.json", "");
    manifest.schema = "test/1";
    for (const char* path : {"config.json", "state/moments"}) {
      manifest.files.push_back(manifest_file(folder, path));
    }
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    return manifest_problems(folder, manifest, "manifest.json");
  }
};

TEST_F(ManifestFolder, HasNoProblemsWhereAllIsAsListed) {
  EXPECT_EQ(manifest.files[0], (ManifestFile{"config.json", 5, kHello}));
  EXPECT_THAT(problems(), IsEmpty());
  fs::create_directories(folder / "empty");
  EXPECT_THAT(problems(), IsEmpty()) << "folders are not listed";
  fs::create_directory_symlink(folder, temp.path() / "latest");
  EXPECT_THAT(manifest_problems(temp.path() / "latest", manifest, "manifest.json"), IsEmpty())
      << "the way to the folder may be a link";
}

TEST_F(ManifestFolder, NamesEachFileThatIsNotAsListed) {
  testing::write_text(folder / "config.json", "hellO");
  testing::write_text(folder / "state" / "moments", "short");
  testing::write_text(folder / "state" / "more", "");
  testing::write_text(folder / ".hidden", "");
  testing::write_text(folder / "two\nlines", "");
  EXPECT_THAT(
      problems(),
      ElementsAre("config.json: has SHA-256 " + sha256_hex("hellO") + " (the manifest lists " + kHello + ")",
                  "state/moments: has 5 bytes (the manifest lists 1000)",
                  ".hidden: is not listed in the manifest", "state/more: is not listed in the manifest",
                  "\"two\\u000Alines\": is not listed in the manifest"));
}

TEST_F(ManifestFolder, NamesWhatIsMissingOrNoFile) {
  fs::remove_all(folder / "state");
  EXPECT_THAT(problems(), ElementsAre("state/moments: is missing"));
  testing::write_text(folder / "state", "a file");
  EXPECT_THAT(problems(), ElementsAre("state/moments: is missing", "state: is not listed in the manifest"));
  fs::remove(folder / "state");
  fs::create_directories(folder / "state" / "moments");
  EXPECT_THAT(problems(), ElementsAre("state/moments: is a folder (need a file)"));
  fs::remove(folder / "state" / "moments");
  ASSERT_EQ(mkfifo((folder / "state" / "moments").c_str(), 0600), 0);
  EXPECT_THAT(problems(), ElementsAre("state/moments: is no ordinary file (need one)"))
      << "reading it would wait for ever";
  fs::remove(folder / "manifest.json");
  EXPECT_THAT(problems(), ::testing::Contains("manifest.json: is missing"));
  EXPECT_THAT(manifest_problems(temp.path() / "none", manifest, "manifest.json"),
              ::testing::Contains(HasSubstr("/none: its files cannot be listed: No such file")));
}

TEST_F(ManifestFolder, NeverFollowsLinks) {
  const fs::path elsewhere = temp.path() / "elsewhere";
  fs::create_directories(elsewhere);
  fs::rename(folder / "config.json", elsewhere / "config.json");
  fs::create_symlink(elsewhere / "config.json", folder / "config.json");
  EXPECT_THAT(problems(), ElementsAre("config.json: is a link (need the file itself)"))
      << "though its content is as listed";
  EXPECT_EQ(error_of(ExitCode::io, [&] { static_cast<void>(manifest_file(folder, "config.json")); }),
            (folder / "config.json").string() + ": is a link (need the file itself)");
  fs::rename(folder / "state", elsewhere / "state");
  fs::create_directory_symlink(elsewhere / "state", folder / "state");
  EXPECT_THAT(problems(), ElementsAre("config.json: is a link (need the file itself)",
                                      "state/moments: lies behind a link (need the folder itself)",
                                      "state: is not listed in the manifest"));
  fs::rename(folder / "manifest.json", elsewhere / "manifest.json");
  fs::create_symlink(elsewhere / "manifest.json", folder / "manifest.json");
  EXPECT_THAT(problems(), ::testing::Contains("manifest.json: is a link (need the file itself)"));
}

TEST_F(ManifestFolder, NamesAFileThatCannotBeRead) {
  const bool root = geteuid() == 0;  // who could read it all the same
  fs::permissions(temp.path(), fs::perms(0755));
  fs::permissions(folder / "config.json", fs::perms::none);
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const std::vector<std::string> found = problems();
  const std::string message =
      error_of(ExitCode::io, [&] { static_cast<void>(manifest_file(folder, "config.json")); });
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_THAT(found, ElementsAre("config.json: cannot be checked: " + message));
  EXPECT_EQ(message, (folder / "config.json").string() + ": cannot read: Permission denied");
}

TEST_F(ManifestFolder, FindsTwoHundredFlippedBits) {
  const fs::path file = folder / "state" / "moments";
  const std::string good = testing::read_text(file);
  std::mt19937 random(8);
  for (int i = 0; i < 200; ++i) {
    const std::size_t bit = random() % (8 * good.size());
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    testing::write_text(file, bad);
    ASSERT_THAT(problems(), ElementsAre(StartsWith("state/moments: has SHA-256 "))) << "bit " << bit;
  }
  testing::write_text(file, good);
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace reckon
