#include "record/log_wire.h"

#include <gmock/gmock.h>

#include <limits>

#include "record/sample_batches.h"

namespace reckon {
namespace {
using testing::expect_same_batch;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;

RolloutStep sample_step() {
  RolloutStep step{.batch = sample_batch(4), .hashes = sample_hashes(4)};
  step.batch.groups[1].completions[2].reward = std::numeric_limits<float>::quiet_NaN();
  step.batch.groups[1].completions[2].advantage = -0.0F;
  step.batch.groups[1].completions[2].versions = {{0, 14}, {1, 17}};
  return step;
}

/// What a parser says to a message; "" where it takes it.
template <class Parse>
std::string refusal_of(const Parse& parse) {
  try {
    static_cast<void>(parse());
  } catch (const WireError& error) {
    return error.what();
  }
  return "";
}

std::string step_refusal(std::string_view message) {
  return refusal_of([&] { return parse_step_message(message, 4, sample_terms()); });
}

TEST(LogWire, GivesAStepBack) {
  const RolloutStep step = sample_step();
  const RolloutStep back = parse_step_message(step_message(4, step), 4, sample_terms());
  expect_same_batch(back.batch, step.batch);
  EXPECT_EQ(back.hashes, step.hashes);
}

TEST(LogWire, GivesAHeaderBack) {
  LogHeader header{sample_info(), 12, sample_terms(), 345};
  header.info.versions = LoggedVersions::token;
  const LogHeader back = parse_header_message(header_message(header));
  EXPECT_EQ(back.info.run_id, "run-7");
  EXPECT_EQ(back.info.stage, "rl-1");
  EXPECT_EQ(back.info.rank, 3U);
  EXPECT_EQ(back.info.world_size, 4U);
  EXPECT_EQ(back.info.recipe_text, sample_info().recipe_text);
  EXPECT_EQ(back.info.tokenizer_sha256, std::string(64, 'a'));
  EXPECT_EQ(back.info.grader_version, "1");
  EXPECT_EQ(back.info.fingerprint, std::string(64, 'b'));
  EXPECT_EQ(back.info.created, "2026-01-02T03:04:05Z");
  EXPECT_EQ(back.info.versions, LoggedVersions::token);
  EXPECT_EQ(back.segment, 12U);
  EXPECT_EQ(back.reward_term_names, sample_terms());
  EXPECT_EQ(back.num_steps, 345U);
}

TEST(LogWire, GivesNumbersBack) {
  const std::vector<std::uint64_t> numbers{3, 0, ~std::uint64_t{0}};
  EXPECT_EQ(parse_numbers_message(numbers_message(numbers)), numbers);
  const std::string message = numbers_message(numbers);
  EXPECT_EQ(refusal_of([&] { return parse_numbers_message(message.substr(0, message.size() - 1)); }),
            "a list longer than its message");
  EXPECT_EQ(refusal_of([&] { return parse_numbers_message(message + "x"); }), "1 bytes too many");
}

TEST(LogWire, GivesAnErrorBackWithoutCommandsToTheTerminal) {
  const Error error = parse_error_message(error_message(ExitCode::missing_input, "größe.h5:\x1B[2J\n gone"));
  EXPECT_EQ(error.code(), ExitCode::missing_input);
  EXPECT_STREQ(error.what(), R"(größe.h5:\u001B[2J\u000A gone)");
}

TEST(LogWire, RefusesErrorsThatAreNotOfAFile) {
  EXPECT_EQ(refusal_of([] { return parse_error_message(error_message(ExitCode::done, "all is well")); }),
            "an unknown error code");
}

TEST(LogWire, RefusesEveryMessageThatIsCutOff) {
  const std::string message = step_message(4, sample_step());
  ASSERT_EQ(step_refusal(message), "");
  for (std::size_t size = 0; size < message.size(); ++size) {
    EXPECT_NE(step_refusal(std::string_view(message).substr(0, size)), "") << size;
  }
  EXPECT_EQ(step_refusal(message + "x"), "1 bytes too many");
}

TEST(LogWire, RefusesAnotherStepKindOrProtocol) {
  EXPECT_EQ(step_refusal(step_message(5, sample_step())), "another step than asked for");
  const std::string header = header_message({sample_info(), 0, sample_terms(), 1});
  EXPECT_EQ(step_refusal(header), "a message of another kind than asked for");
  EXPECT_EQ(step_refusal("x"), "a message of no known kind");
  std::string other = header;
  other[1 + 8 + 16] = '1';
  EXPECT_EQ(refusal_of([&] { return parse_header_message(other); }), "another protocol");
}

TEST(LogWire, RefusesWhatContradictsItself) {
  RolloutStep step = sample_step();
  step.batch.groups[0].completions[1].token_ids.push_back(1);
  EXPECT_EQ(step_refusal(step_message(4, step)), "a completion whose lists do not fit each other");
  step = sample_step();
  step.batch.groups[0].completions[1].reward_terms.pop_back();
  EXPECT_EQ(step_refusal(step_message(4, step)), "a completion whose lists do not fit each other");
  step = sample_step();
  step.batch.groups[0].completions.clear();
  EXPECT_EQ(step_refusal(step_message(4, step)), "a group without completions");
  step = sample_step();
  step.batch.groups[0].completions[0].grade = static_cast<Grade>(77);
  EXPECT_EQ(step_refusal(step_message(4, step)), "an unknown code, 77");
  step = sample_step();
  step.batch.groups[0].completions[1].versions = {{0, 14}, {0, 15}};
  EXPECT_EQ(step_refusal(step_message(4, step)).find("version run 1 begins at token 0 of "), 0U);
  step = sample_step();
  step.batch.groups[0].completions[1].versions = {{0, 15}};
  EXPECT_EQ(step_refusal(step_message(4, step)), "a completion of another version than its first token");
}

/// A list that claims 2^60 elements must not be made.
TEST(LogWire, RefusesACountThatItsMessageHasNoRoomFor) {
  const std::string message = step_message(4, sample_step());
  int num_counts = 0;
  for (std::size_t at = 1; at + 8 <= message.size(); ++at) {
    std::string bad = message;
    bad[at + 7] = '\x10';
    num_counts += step_refusal(bad) == "a list longer than its message" ? 1 : 0;
  }
  EXPECT_GT(num_counts, 50);
}

TEST(LogWire, MakesOneLineOfAnyBytes) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  bytes += "\n\n\x1B\x1Bn\x1B";
  const std::string line = as_line(bytes);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.size(), bytes.size() + 7);
  EXPECT_EQ(from_line(line), bytes);
  EXPECT_EQ(from_line(""), "");
}

TEST(LogWire, RefusesALineThatIsNoMessage) {
  EXPECT_EQ(refusal_of([] { return from_line("ab\x1B"); }), "a line that is no message");
  EXPECT_EQ(refusal_of([] { return from_line("ab\x1Bx"); }), "a line that is no message");
}

}  // namespace
}  // namespace reckon
