#include "reckon/checkpoint/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;

TrainState sample_state() {
  TrainState state;
  state.stage = "rl-1";
  state.step = 120;
  state.updates = 240;
  state.cursor.number = 3840;
  state.weights_sha256 = std::string(64, 'a');
  state.guards = R"({"norms":[0.1]})";
  state.stage_seconds = 12.625;
  state.summary = "{\n}\n";
  state.metrics_bytes = 123456789012;
  state.chain_bytes = 77;
  state.chain_link = std::string(64, 'b');
  state.recipe_sha256 = std::string(64, 'c');
  state.fingerprint = std::string(64, 'd');
  state.world_size = 4;
  state.pending_groups = {18446744073709551615u, 3};
  return state;
}

TEST(TrainState, ReadsBackWhatItWrote) {
  const TrainState state = sample_state();
  const TrainState read = parse_train_state(train_state_json(state), "state.json");
  EXPECT_EQ(read.stage, "rl-1");
  EXPECT_EQ(read.step, 120);
  EXPECT_FALSE(read.stage_done);
  EXPECT_EQ(read.updates, 240);
  EXPECT_EQ(read.cursor.number, 3840u);
  EXPECT_EQ(read.weights_sha256, state.weights_sha256);
  EXPECT_EQ(read.guards, state.guards);
  EXPECT_EQ(read.stage_seconds, 12.625);
  EXPECT_EQ(read.summary, "{\n}\n");
  EXPECT_EQ(read.metrics_bytes, 123456789012u);
  EXPECT_EQ(read.chain_bytes, 77u);
  EXPECT_EQ(read.chain_link, state.chain_link);
  EXPECT_EQ(read.recipe_sha256, state.recipe_sha256);
  EXPECT_EQ(read.fingerprint, state.fingerprint);
  EXPECT_EQ(read.world_size, 4);
  EXPECT_EQ(read.pending_groups, state.pending_groups);
}

/// The state's JSON with one piece of text put in place of another.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = train_state_json(sample_state());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TrainState, RefusesWhatIsNoState) {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"", "state.json: is no JSON object"},
      {"[1]", "state.json: is no JSON object"},
      {"{}", "\"schema\" is missing"},
      {changed("reckon.state/1", "reckon.state/9"), "schema is \"reckon.state/9\" (need \"reckon.state/1\")"},
      {changed("\"step\": 120", "\"step\": -1"), "\"step\" is no whole number of at least 0"},
      {changed("\"step\": 120", "\"step\": 1.5"), "\"step\" is no whole number of at least 0"},
      {changed("\"step\": 120", "\"step\": 18446744073709551615"),
       "\"step\" is 18446744073709551615, too large"},
      {changed("\"updates\": 240,", ""), "\"updates\" is missing"},
      {changed("\"stage_done\": false", "\"stage_done\": 0"), "\"stage_done\" is neither true nor false"},
      {changed("\"stage\": \"rl-1\"", "\"stage\": 7"), "\"stage\" is no text"},
      {changed("\"stage_seconds\": 12.625", "\"stage_seconds\": \"x\""), "\"stage_seconds\" is no number"},
      {changed("\"world_size\": 4", "\"world_size\": 0"), "\"world_size\" is 0"},
      {changed("    3\n", "    -3\n"), "\"pending_groups\" holds what is no group's number"},
  };
  for (const Case& c : cases) {
    try {
      static_cast<void>(parse_train_state(c.text, "state.json"));
      ADD_FAILURE() << c.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), HasSubstr(c.message));
    }
  }
}

}  // namespace
}  // namespace reckon
