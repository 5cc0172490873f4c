#include "reckon/lineage/chain.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "reckon/base/sha256.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Step `step` of stage "rl-1".
ChainEvent step_event(std::int64_t step, double reward = 0.5) {
  ChainEvent event{.event = "step", .values = {}};
  event.add("stage", std::string("rl-1"));
  event.add("step", step);
  event.add("reward", reward);
  return event;
}

class Chain : public ::testing::Test {
 protected:
  testing::TempDir temp;
  fs::path file = temp.path() / "chain.jsonl";

  /// Writes the steps 1 to `count`.
  void write_steps(std::int64_t count) const {
    ChainWriter writer(file);
    for (std::int64_t step = 1; step <= count; ++step) writer.append(step_event(step));
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::istringstream in(testing::read_text(file));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  void write_lines(const std::vector<std::string>& lines) const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    testing::write_text(file, text);
  }
  [[nodiscard]] std::string damage() const {
    return error_of(ExitCode::bad_data, [&] { static_cast<void>(read_chain(file)); });
  }
  [[nodiscard]] std::string at_line(int number) const {
    return file.string() + ":" + std::to_string(number) + ": ";
  }
};

/// A line with the link that belongs to it, as somebody would make it who knows how.
std::string forged(const std::string& body, const std::string& before = std::string(kFirstChainLink)) {
  return body.substr(0, body.size() - 1) + ",\"link\":\"" + sha256_hex(before + "\n" + body) + "\"}";
}

TEST_F(Chain, IsTheBytesThatTheDefinitionGives) {  // the links are Python's hashlib's
  ChainWriter writer(file);
  EXPECT_EQ(writer.link(), std::string(64, '0'));
  ChainEvent run{.event = "run", .values = {}};
  run.add("recipe_sha256", std::string("ab"));
  writer.append(run);
  writer.append(step_event(1, 0.1));
  writer.sync();
  const std::string text =
      R"({"event":"run","recipe_sha256":"ab","link":"d15b9e1b059a94762dfe1d630ca8253c990bdd50228d18c1e35cfdd7c3eea010"})"
      "\n"
      R"({"event":"step","stage":"rl-1","step":1,"reward":0.1,"link":"aaee9f3781fa4d72d6dfb76d511387744062c2bf9cbf3d489f57270573e54f38"})"
      "\n";
  EXPECT_EQ(testing::read_text(file), text);
  EXPECT_EQ(writer.bytes(), text.size());
  EXPECT_EQ(writer.link(), "aaee9f3781fa4d72d6dfb76d511387744062c2bf9cbf3d489f57270573e54f38");

  const std::vector<ChainLine> read = read_chain(file);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].event, run);
  EXPECT_EQ(read[0].number, 1U);
  EXPECT_EQ(read[0].end, text.find('\n') + 1);
  EXPECT_EQ(read[1].event, step_event(1, 0.1));
  EXPECT_EQ(read[1].link, writer.link());
  EXPECT_EQ(read[1].end, text.size());
}

TEST_F(Chain, GivesTheValuesOfAnEventByName) {
  ChainEvent event = step_event(12);
  event.add("weights_after", std::string("abc"));
  EXPECT_EQ(event.integer("step"), 12);
  EXPECT_EQ(event.integer("reward"), -1) << "no integer";
  EXPECT_EQ(event.integer("none"), -1);
  EXPECT_EQ(event.text("weights_after"), "abc");
  EXPECT_EQ(event.text("step"), "");
  EXPECT_EQ(event.text("none"), "");
  EXPECT_EQ(event.find("none"), nullptr);
  ASSERT_NE(event.find("reward"), nullptr);
  EXPECT_EQ(*event.find("reward"), ChainEvent::Value(0.5));
}

TEST_F(Chain, ADoubleReadsBackAsTheSameBits) {
  std::vector<double> values = {0.0,
                                -0.0,
                                3.0,
                                0.1,
                                1e-310,
                                1e22,
                                1e23,
                                9007199254740993.0,
                                std::numeric_limits<double>::denorm_min(),
                                std::numeric_limits<double>::min(),
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest()};
  std::mt19937_64 random(7);
  while (values.size() < 5000) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  {
    ChainWriter writer(file);
    for (const double value : values) writer.append(step_event(1, value));
  }
  const std::vector<ChainLine> read = read_chain(file);
  ASSERT_EQ(read.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto* value = std::get_if<double>(read[i].event.find("reward"));
    ASSERT_NE(value, nullptr) << values[i];
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*value), std::bit_cast<std::uint64_t>(values[i])) << values[i];
  }
}

TEST_F(Chain, TextsAndIntegersReadBack) {
  ChainEvent event{.event = "eval", .values = {}};
  event.add("text", std::string("größer \"\\\n\t\x01 \xF0\x9F\x98\x80"));
  event.add("empty", std::string());
  event.add("least", std::numeric_limits<std::int64_t>::min());
  event.add("most", std::numeric_limits<std::int64_t>::max());
  ChainWriter(file).append(event);
  ASSERT_EQ(read_chain(file).size(), 1U);
  EXPECT_EQ(read_chain(file)[0].event, event);
}

TEST_F(Chain, RefusesWhatItCannotKeep) {
  ChainWriter writer(file);
  writer.append(step_event(1));
  const std::string text = testing::read_text(file), link = writer.link();
  const auto refusal = [&](const ChainEvent& event) {
    return error_of(ExitCode::internal, [&] { writer.append(event); });
  };
  EXPECT_EQ(refusal(step_event(2, std::nan(""))),
            file.string() + ": step 2 of stage \"rl-1\": \"reward\" is nan (need a finite number)");
  EXPECT_THAT(refusal(step_event(2, -std::numeric_limits<double>::infinity())), HasSubstr("is -inf"));
  for (const char* name : {"reward", "event", "link"}) {
    ChainEvent twice = step_event(2);
    twice.add(name, std::int64_t{1});
    EXPECT_THAT(refusal(twice), HasSubstr("\"" + std::string(name) + "\" stands twice (need each name once"));
  }
  ChainEvent latin = step_event(2);
  latin.add("text", std::string("gr\xF6\xDF"));
  EXPECT_THAT(refusal(latin), HasSubstr("cannot be written as JSON: invalid UTF-8"));
  EXPECT_EQ(testing::read_text(file), text);
  EXPECT_EQ(writer.link(), link);
  EXPECT_EQ(writer.bytes(), text.size());
}

TEST_F(Chain, ALineThatACrashCutOffIsLeftOut) {
  write_steps(3);
  const std::string text = testing::read_text(file);
  const std::size_t last = text.rfind('\n', text.size() - 2) + 1;  // where the third line begins
  for (std::size_t size = last; size < text.size(); ++size) {
    const std::vector<ChainLine> read = parse_chain(text.substr(0, size), "c");
    ASSERT_EQ(read.size(), 2U) << size;
    ASSERT_EQ(read.back().end, last);
  }
}

TEST_F(Chain, ReadsNoChainWhereThereIsNone) {
  EXPECT_THAT(error_of(ExitCode::missing_input, [&] { static_cast<void>(read_chain(file)); }),
              StartsWith(file.string() + ": cannot read"));
  testing::write_text(file, "");
  EXPECT_TRUE(read_chain(file).empty());
}

TEST_F(Chain, NamesTheLineThatWasChanged) {
  write_steps(5);
  const std::vector<std::string> good = lines();
  std::vector<std::string> bad = good;
  bad[2].replace(bad[2].find("0.5"), 3, "0.9");
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(3) + "the link is \""));
  EXPECT_THAT(damage(), HasSubstr("This line was changed, or one was dropped, added or moved here."));

  bad = good;
  bad.erase(bad.begin() + 2);
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(3) + "the link is \""));

  bad = good;
  std::swap(bad[2], bad[3]);
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(3) + "the link is \""));

  bad = good;
  bad.insert(bad.begin() + 2, bad[1]);
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(3) + "the link is \""));

  bad = good;
  const std::string before = good[1].substr(good[1].size() - 66, 64);
  bad.insert(bad.begin() + 2, forged(R"({"event":"step","stage":"rl-1","step":9})", before));
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(4) + "the link is \"")) << "a link that fits breaks the next";

  bad = good;
  bad.erase(bad.begin());
  write_lines(bad);
  EXPECT_THAT(damage(), StartsWith(at_line(1) + "the link is \""));
}

TEST_F(Chain, FindsEveryFlippedBit) {
  write_steps(3);
  const std::string good = testing::read_text(file);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    if (bit / 8 == good.size() - 1) {  // the last line feed: a line that was cut off
      EXPECT_EQ(parse_chain(bad, "c").size(), 2U);
      continue;
    }
    const auto line = 1 + std::count(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(bit / 8), '\n');
    const std::string message =
        error_of(ExitCode::bad_data, [&] { static_cast<void>(parse_chain(bad, "c")); });
    ASSERT_THAT(message, StartsWith("c:" + std::to_string(line) + ": ")) << "bit " << bit;
  }
}

TEST_F(Chain, RefusesLinesThatItWouldNotWriteThoughTheirLinkFits) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([1])", "not JSON: parse error"},
      {R"({"event": "run"})", "the line is not written as reckon writes it"},
      {R"({"step":1,"event":"run"})", "the line is not written as reckon writes it"},
      {R"({"event":"run","step":1E3})", "the line is not written as reckon writes it"},
      {R"({"event":"run","step":-0})", "the line is not written as reckon writes it"},
      // The library would turn these into -1 and into a double.
      {R"({"event":"run","step":18446744073709551615})", "the line is not written as reckon writes it"},
      {R"({"event":"run","step":18446744073709551616})", "the line is not written as reckon writes it"},
      {R"({"event":"run","step":1e999})", "not JSON: number overflow"},
      {R"({"event":"run","step":true})", "\"step\" is a JSON boolean (need a number or a string)"},
      {R"({"event":"run","step":{}})", "\"step\" is a JSON object (need a number or a string)"},
      {R"({"event":"run","step":1,"step":2})", "key \"step\" stands twice in one object (need it once)"},
      {R"({"event":"run","link":"a"})", "\"link\" stands twice (need it once)"},
      {R"({"step":1})", "no \"event\" (need a member of that name)"},
      {R"({"event":7})", "\"event\" is 7 (need a string)"},
      {R"({"event":})", "not JSON: parse error"},
  };
  for (const auto& [body, message] : cases) {
    SCOPED_TRACE(body);
    write_lines({forged(R"({"event":"run"})"),
                 forged(body, sha256_hex(std::string(kFirstChainLink) + "\n" + R"({"event":"run"})"))});
    EXPECT_THAT(damage(), StartsWith(at_line(2)));
    EXPECT_THAT(damage(), HasSubstr(message));
  }
  for (const char* line : {"", "{}", "not a line", R"({"event":"run"})"}) {
    write_lines({line});
    EXPECT_EQ(damage(), at_line(1) + "no line of a chain (need a JSON object that ends with its \"link\")");
  }
}

TEST_F(Chain, IsNotBegunTwice) {
  write_steps(1);
  const std::string text = testing::read_text(file);
  EXPECT_THAT(error_of(ExitCode::environment, [&] { ChainWriter writer(file); }),
              StartsWith(file.string() + ": is there already"));
  EXPECT_EQ(testing::read_text(file), text);
  EXPECT_THAT(error_of(ExitCode::io, [&] { ChainWriter writer(temp.path() / "none" / "chain.jsonl"); }),
              HasSubstr("cannot write"));
}

}  // namespace
}  // namespace reckon
