#include "reckon/task/external_program.h"

#include <gmock/gmock.h>

#include <chrono>

#include "program_test.h"
#include "reckon/task/task.h"
#include "support/processes.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string accept(const json&) {
  return "";
}

ordered_json grade_request(const std::string& answer) {
  return {{"op", "grade"}, {"spec", {{"gold", "7"}}}, {"answer", answer}, {"completion", ""}};
}

class External : public FaultyProgram {
 protected:
  void TearDown() override { EXPECT_TRUE(testing::all_gone(folder_.path().filename())); }

  /// The message of a program that does not start.
  std::string start_error(const std::string& mode, const std::string& change = "{}") {
    ProgramConfig config = program(mode, change);
    if (mode == "silent") config.start_seconds = 0.7;
    config.max_line_bytes = 100'000;
    return message_of([&] { const ExternalProgram made(config, "task \"mine\""); });
  }
};

TEST_F(External, AnswersRequestsWithTheirId) {
  ExternalProgram made(program("good"), "task \"mine\"");
  EXPECT_EQ(made.hello(), json::parse(R"({"protocol": "reckon.task/1", "levels": [1, 3]})"));
  for (int i = 0; i < 3; ++i) {
    const ProgramReply reply = made.ask(grade_request("7"), 10, accept);
    EXPECT_EQ(reply.outcome, ProgramOutcome::answered);
    EXPECT_EQ(reply.value, json({{"grade", "equal"}}));
  }
  EXPECT_EQ(num_starts(), 1u);
}

TEST_F(External, SaysWhatIsWrongWithTheStart) {
  ProgramConfig config = program("good");
  config.command = {"no-such-python", "my_task.py"};
  EXPECT_EQ(message_of([&] { const ExternalProgram made(config, "task \"mine\""); }, ExitCode::environment),
            "task \"mine\": program \"no-such-python my_task.py\": cannot be started: no program "
            "\"no-such-python\" in PATH");
  config.command = {"python3", "/nowhere/my_task.py"};
  const std::string missing = message_of([&] { const ExternalProgram made(config, "task \"mine\""); });
  EXPECT_THAT(missing, HasSubstr("ended with code 2 before its first line (need {\"protocol\": "
                                 "\"reckon.task/1\", \"levels\": [1]}). Its last words: "));
  EXPECT_THAT(missing, HasSubstr("can't open file '/nowhere/my_task.py'"));
  const std::string need = " (need {\"protocol\": \"reckon.task/1\", \"levels\": [1]})";
  EXPECT_EQ(start_error("exits"), "task \"mine\": program P: ended with code 1 before its first line" + need +
                                      ". Its last words: it is not my day");
  EXPECT_EQ(start_error("silent"),
            "task \"mine\": program P: wrote no line within 0.7 s" + need + ". Does it flush its output?");
  EXPECT_EQ(start_error("banner"), "task \"mine\": program P: began with \"Welcome!\"" + need);
  EXPECT_EQ(start_error("hello", "[1]"), "task \"mine\": program P: began with \"[1]\"" + need);
  EXPECT_THAT(start_error("other_protocol"), StartsWith("task \"mine\": program P: began with \"{"));
  EXPECT_EQ(start_error("endless"),
            "task \"mine\": program P: began with a line longer than 100000 bytes" + need);
}

TEST_F(External, SaysHowARequestFailedAndStartsAFreshProcess) {
  ProgramConfig config = program("good");
  config.max_line_bytes = 100'000;
  ExternalProgram made(config, "task \"mine\"");
  ASSERT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
  const auto reason_of = [&](const std::string& answer, ProgramOutcome outcome = ProgramOutcome::failed) {
    const std::size_t before = num_starts();
    const ProgramReply reply = made.ask(grade_request(answer), answer == "hang" ? 2 : 20, accept);
    EXPECT_EQ(reply.outcome, outcome) << answer;
    EXPECT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
    EXPECT_EQ(num_starts(), before + 1);
    return reply.reason;
  };
  EXPECT_EQ(reason_of("crash"), "ended with code 3 before it answered");
  EXPECT_THAT(reason_of("abort"), HasSubstr("was killed by signal 6 (Aborted) before it answered"));
  EXPECT_EQ(reason_of("half"), "ended with code 0 before it answered");
  EXPECT_EQ(reason_of("close"), "closed its standard output before it answered");
  EXPECT_EQ(reason_of("memory"), "ended with code 1 before it answered. Its last words: MemoryError");
  EXPECT_EQ(reason_of("garbage"),
            "wrote \"nan\" (need one JSON object a line, and nothing else on standard output)");
  EXPECT_EQ(reason_of("long"), "wrote more than 100000 bytes without a line feed (max_line_bytes)");
  EXPECT_THAT(reason_of("wrong id"), HasSubstr("(need the request's \"id\", "));
  EXPECT_EQ(reason_of("hang", ProgramOutcome::timeout), "gave no answer within 2 s");
}

// The reply to the next request lies there before it is asked.
TEST_F(External, TrustsNoLineThatNobodyAskedFor) {
  ExternalProgram made(program("good"), "task \"mine\"");
  ASSERT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
  EXPECT_EQ(made.ask(grade_request("two lines"), 10, accept).value, json({{"reward", 0}}));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const ProgramReply reply = made.ask(grade_request("8"), 10, accept);
  EXPECT_EQ(reply.outcome, ProgramOutcome::failed);
  EXPECT_EQ(reply.reason,
            "wrote to standard output without a request (need one line for each). Does it print there?");
}

TEST_F(External, AFloodOfStandardErrorIsNoFailure) {
  ExternalProgram made(program("good"), "task \"mine\"");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(made.ask(grade_request("flood"), 20, accept).value, json({{"grade", "different"}}));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(": flood 99\nwarning: "));
}

TEST_F(External, RequestsThatFailDoNotStopAProgramThatIsWell) {
  ProgramConfig config = program("good");
  config.max_restarts = 1;
  ExternalProgram made(config, "task \"mine\"");
  ASSERT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(made.ask(grade_request("crash"), 10, accept).outcome, ProgramOutcome::failed);
  EXPECT_EQ(num_starts(),
            5u);  // each but the first by a fresh process, which was asked the first request again
}

TEST_F(External, StopsWhereTheProgramDoesNotStartAnyMore) {
  ProgramConfig config = program("starts_once");
  config.max_restarts = 2;
  ExternalProgram made(config, "task \"mine\"");
  ASSERT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
  EXPECT_EQ(made.ask(grade_request("crash"), 10, accept).outcome, ProgramOutcome::failed);
  EXPECT_EQ(made.ask(grade_request("crash"), 10, accept).outcome,
            ProgramOutcome::failed);  // the second start
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(
      message_of([&] { (void)made.ask(grade_request("7"), 10, accept); }),
      "task \"mine\": program P: failed 3 times in a row; the last time it ended with code 1 before its "
      "first line (need {\"protocol\": \"reckon.task/1\", \"levels\": [1]}). Its last words: start 5 is one "
      "too many (max_restarts is 2)");
  // 0.1 s and 0.2 s lie between the three starts.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300));
  EXPECT_EQ(num_starts(), 5u);
}

TEST_F(External, StopsWhereTheProgramHasNeverWorked) {
  ProgramConfig config = program("good");
  config.max_restarts = 1;
  ExternalProgram made(config, "task \"mine\"");
  EXPECT_EQ(made.ask(grade_request("crash"), 10, accept).outcome, ProgramOutcome::failed);
  EXPECT_EQ(message_of([&] { (void)made.ask(grade_request("crash"), 10, accept); }),
            "task \"mine\": program P: failed 2 times in a row; the last time it ended with code 3 before it "
            "answered "
            "(max_restarts is 1)");
}

TEST_F(External, SendsBytesThatAreNoTextAsTheReplacementCharacter) {
  ExternalProgram made(program("good"), "task \"mine\"");
  ordered_json request = grade_request("a\xFF");
  request["spec"]["gold"] = "a\xEF\xBF\xBD";
  EXPECT_EQ(made.ask(request, 10, accept).value, json({{"grade", "equal"}}));
}

TEST_F(External, StopsWhereAFreshProcessAnswersInAnotherWay) {
  ExternalProgram moody(program("moody"), "task \"mine\"");
  ASSERT_EQ(moody.ask(grade_request("8"), 10, accept).value, json({{"reward", 0.01}}));
  moody.restart();
  EXPECT_EQ(message_of([&] { (void)moody.ask(grade_request("7"), 10, accept); }),
            "task \"mine\": program P: answered "
            "\"{\\\"op\\\":\\\"grade\\\",\\\"spec\\\":{\\\"gold\\\":\\\"7\\\"},\\\"answer\\\":\\\"8\\\","
            "\\\"completion\\\":\\\"\\\"}\" with \"{\\\"reward\\\":0.01}\" and, started again, with "
            "\"{\\\"reward\\\":0.02}\" (need answers that depend on the request alone)");
}

TEST_F(External, StopsWhereAFreshProcessSaysAnotherHello) {
  ProgramConfig config = program("changes");
  config.max_restarts = 0;
  ExternalProgram made(config, "task \"mine\"");
  made.restart();
  ASSERT_EQ(made.ask(grade_request("7"), 10, accept).outcome, ProgramOutcome::answered);
  made.restart();
  EXPECT_THAT(message_of([&] { (void)made.ask(grade_request("7"), 10, accept); }),
              HasSubstr(" and, started again, with "));
}

TEST_F(External, AReplyThatTheCheckRefusesIsAFailure) {
  ExternalProgram made(program("good"), "task \"mine\"");
  const ProgramReply reply =
      made.ask(grade_request("7"), 10, [](const json&) { return "is not to my taste"; });
  EXPECT_EQ(reply.outcome, ProgramOutcome::failed);
  EXPECT_EQ(reply.reason, "is not to my taste");
}

}  // namespace
}  // namespace reckon
