// A chain that goes on after an interruption.
#include <gmock/gmock.h>

#include <cmath>

#include "reckon/lineage/chain.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ChainEvent step_event(std::int64_t step, const std::string& weights = "abc") {
  ChainEvent event{.event = "step", .values = {}};
  event.add("stage", std::string("rl-1"));
  event.add("step", step);
  event.add("reward", 0.0);
  event.add("weights_after", weights);
  return event;
}

class ChainResume : public ::testing::Test {
 protected:
  testing::TempDir temp;
  fs::path file = temp.path() / "chain.jsonl";
  std::uint64_t bytes = 0;  ///< after step 2
  std::string link;
  std::string whole;  ///< the file after step 5

  void SetUp() override {
    ChainWriter writer(file);
    for (std::int64_t step = 1; step <= 5; ++step) {
      writer.append(step_event(step));
      if (step == 2) {
        bytes = writer.bytes();
        link = writer.link();
      }
    }
    whole = testing::read_text(file);
  }
  [[nodiscard]] std::string refusal(std::uint64_t at, const std::string& with) const {
    return error_of(ExitCode::bad_data, [&] { ChainWriter writer(file, at, with); });
  }
};

TEST_F(ChainResume, DoesTheSameAgainAndGoesOn) {
  ChainWriter writer(file, bytes, link);
  EXPECT_EQ(testing::read_text(file), whole.substr(0, bytes));
  EXPECT_EQ(writer.num_lost(), 3U);
  for (std::int64_t step = 3; step <= 5; ++step) {
    writer.append(step_event(step));
    EXPECT_EQ(writer.num_lost(), static_cast<std::size_t>(5 - step));
  }
  EXPECT_EQ(testing::read_text(file), whole);
  writer.append(step_event(6, "new"));
  EXPECT_EQ(writer.num_lost(), 0U);
  EXPECT_EQ(read_chain(file).size(), 6U);
}

TEST_F(ChainResume, NamesTheFirstValueThatCameOutDifferently) {
  ChainWriter writer(file, bytes, link);
  writer.append(step_event(3));
  EXPECT_EQ(error_of(ExitCode::internal, [&] { writer.append(step_event(4, "def")); }),
            file.string() +
                ": step 4 of stage \"rl-1\" came out differently than before the run was interrupted: "
                "weights_after is \"def\" (it was \"abc\")");
  EXPECT_EQ(read_chain(file).size(), 3U) << "nothing was added";
  writer.append(step_event(4));
  EXPECT_EQ(writer.num_lost(), 1U);
}

TEST_F(ChainResume, SeesEveryKindOfDifference) {
  ChainWriter writer(file, bytes, link);
  const auto difference = [&](const ChainEvent& event) {
    return error_of(ExitCode::internal, [&] { writer.append(event); });
  };
  ChainEvent event = step_event(3);
  event.event = "eval";
  EXPECT_EQ(difference(event), file.string() +
                                   ": event \"eval\" at step 3 of stage \"rl-1\" came out differently than "
                                   "before the run was interrupted: the event is \"eval\" (it was \"step\")");
  event = step_event(3);
  event.values[2].second = -0.0;
  EXPECT_THAT(difference(event), HasSubstr(": reward is -0.0 (it was 0.0)"));
  event.values[2].second = std::int64_t{0};
  EXPECT_THAT(difference(event), HasSubstr(": reward is 0 (it was 0.0)"));
  event = step_event(3);
  event.add("more", 1.5);
  EXPECT_THAT(difference(event), HasSubstr(": more is 1.5 (it was not there)"));
  event = step_event(3);
  event.values.pop_back();
  EXPECT_THAT(difference(event), HasSubstr(": weights_after is not there (it was \"abc\")"));
  event = step_event(3);
  std::swap(event.values[2], event.values[3]);
  EXPECT_THAT(difference(event), HasSubstr(": its values stand in another order"));
  event = step_event(3, std::string(64, 'a'));
  EXPECT_THAT(difference(event), HasSubstr("weights_after is " + std::string(64, 'a') + " (it was \"abc\")"));
}

TEST_F(ChainResume, ForgetsWhatItIsToldToForget) {
  ChainWriter writer(file, bytes, link);
  writer.append(step_event(3));
  writer.forget_lost_events();
  EXPECT_EQ(writer.num_lost(), 0U);
  writer.append(step_event(4, "def"));
  EXPECT_EQ(read_chain(file).back().event, step_event(4, "def"));
}

TEST_F(ChainResume, BeginsAgainWhereNothingWasKept) {
  {
    ChainWriter writer(file, 0, std::string(kFirstChainLink));
    EXPECT_EQ(writer.num_lost(), 5U);
    for (std::int64_t step = 1; step <= 5; ++step) writer.append(step_event(step));
  }
  EXPECT_EQ(testing::read_text(file), whole);
  fs::remove(file);
  ChainWriter writer(file, 0, std::string(kFirstChainLink));
  writer.append(step_event(1));
  EXPECT_EQ(read_chain(file).size(), 1U);
}

TEST_F(ChainResume, ComparesOnlyWhatTheCrashLeftWhole) {
  testing::write_text(file, whole.substr(0, whole.size() - 1));
  EXPECT_EQ(ChainWriter(file, bytes, link).num_lost(), 2U);
  EXPECT_EQ(testing::read_text(file), whole.substr(0, bytes)) << "the line that was cut off is gone too";

  std::string zeros = whole;  // a block that never reached the disk
  std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(bytes) + 5, zeros.end(), '\0');
  testing::write_text(file, zeros + "\n");
  EXPECT_EQ(ChainWriter(file, bytes, link).num_lost(), 0U);
  EXPECT_EQ(testing::read_text(file), whole.substr(0, bytes));
}

TEST_F(ChainResume, RefusesAChainThatIsNotTheOneItLeft) {
  const std::string other(64, 'e');
  EXPECT_EQ(refusal(bytes, other), file.string() + ": the line that ends at byte " + std::to_string(bytes) +
                                       " has the link " + link + " (need " + other + " at byte " +
                                       std::to_string(bytes) + ")");
  EXPECT_THAT(refusal(bytes + 5, link),
              HasSubstr("(need " + link + " at byte " + std::to_string(bytes + 5) + ")"));
  EXPECT_THAT(refusal(0, link), HasSubstr("the line that ends at byte 0 has the link 00000"));
  EXPECT_EQ(refusal(whole.size() + 1, link),
            file.string() + ": has " + std::to_string(whole.size()) + " bytes (need the first " +
                std::to_string(whole.size() + 1) + ", behind which the run goes on)");
  EXPECT_EQ(testing::read_text(file), whole) << "a refusal takes nothing away";

  std::string edited = whole;
  edited[edited.find("abc")] = 'x';
  testing::write_text(file, edited);
  EXPECT_THAT(refusal(bytes, link), StartsWith(file.string() + ":1: the link is \""));
  EXPECT_EQ(testing::read_text(file), edited);

  fs::remove(file);
  EXPECT_THAT(error_of(ExitCode::missing_input, [&] { ChainWriter writer(file, bytes, link); }),
              StartsWith(file.string() + ": cannot read"));
  EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace reckon
