#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <map>
#include <utility>

#include "app/recipe.h"
#include "reckon/base/error.h"
#include "reckon/recipe/writer.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kHead = R"([run]
name = "x"
[[task]]
name = "chains"
kind = "arithmetic"
)";

constexpr const char* kStages = R"([[stage]]
name = "cold-start"
kind = "sft"
from = "model"
steps = 450
mix_schedule = [{ until = 0.75 }, { until = 1.0, think_share = 0.25 }]
[[stage]]
name = "eval-cold-start"
kind = "eval"
from = "cold-start"
[[stage]]
name = "rl-1"
kind = "grpo"
from = "cold-start"
steps = 30
prompts_per_step = 32
[stage.reward]
format = 0.2
[[stage]]
name = "eval-rl-1"
kind = "eval"
from = "rl-1"
)";

/// Stages as "name kind from", one a line.
std::string with_stages(const std::vector<std::array<const char*, 3>>& stages) {
  std::string text = kHead;
  for (const auto& [name, kind, from] : stages) {
    text +=
        std::string("[[stage]]\nname = \"") + name + "\"\nkind = \"" + kind + "\"\nfrom = \"" + from + "\"\n";
    if (std::string(kind) != "eval") text += "steps = 1\n";
  }
  return text;
}

std::vector<std::string> order_of(const std::string& text) {
  const Recipe recipe = parse_recipe(text, "r.toml", {});
  std::vector<std::string> names;
  for (const std::size_t i : run_order(recipe)) names.push_back(recipe.stage[i].name);
  return names;
}

Recipe sample(const std::vector<std::string>& overrides) {
  return parse_recipe(std::string(kHead) + kStages, "r.toml", overrides);
}

std::string override_error(const std::string& assignment) {
  try {
    (void)sample({assignment});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "accepted";
}

/// Visitor: every value of a recipe by its path, as text.
class Flattened {
 public:
  std::map<std::string, std::string> values;

  template <class T>
  void operator()(std::string_view key, T& member, const Bounds&, std::string_view) {
    add(prefix_ + std::string(key), member);
  }

 private:
  template <class T>
  void add(const std::string& path, T& member) {
    if constexpr (Settings<T>) {
      const std::string outer = std::exchange(prefix_, path + ".");
      describe(*this, member);
      prefix_ = outer;
    } else {
      values[path] = toml_text(member);
    }
  }
  template <Settings T>
  void add(const std::string& path, std::vector<T>& members) {
    for (std::size_t i = 0; i < members.size(); ++i) add(path + "[" + std::to_string(i) + "]", members[i]);
  }
  std::string prefix_;
};

std::map<std::string, std::string> values_of(Recipe recipe) {
  Flattened flattened;
  describe(flattened, recipe);
  return flattened.values;
}

TEST(RunOrder, FollowsTheGraphAndElseTheFile) {
  EXPECT_THAT(order_of(with_stages({{"eval-rl", "eval", "rl"},
                                    {"eval-model", "eval", "model"},
                                    {"rl", "grpo", "cold"},
                                    {"cold", "sft", "model"},
                                    {"eval-cold", "eval", "cold"}})),
              ElementsAre("eval-model", "cold", "rl", "eval-rl", "eval-cold"));
  EXPECT_THAT(order_of(with_stages({{"b", "sft", "model"}, {"a", "sft", "model"}})), ElementsAre("b", "a"));
}

TEST(LoadRecipe, BindsTheKeysOfEachKind) {
  const Recipe recipe = sample({});
  ASSERT_EQ(recipe.stage.size(), 4u);
  EXPECT_EQ(recipe.run.name, "x");
  EXPECT_EQ(recipe.stage[0].kind, StageKind::sft);
  EXPECT_EQ(recipe.stage[0].sft.mix_schedule.at(1).think_share, 0.25);
  EXPECT_EQ(recipe.stage[2].kind, StageKind::grpo);
  EXPECT_EQ(recipe.stage[2].from, "cold-start");
  EXPECT_EQ(recipe.stage[2].reward.format, 0.2);
  EXPECT_EQ(recipe.stage[3].kind, StageKind::eval);
}

TEST(LoadRecipe, AppliesOverridesInOrder) {
  const Recipe recipe = sample({"run.seed=3", "stage.rl-1.group_size=8", "stage.rl-1.group_size=4",
                                "task.chains.levels=[1,2]", "stage.rl-1.reward.random=1", "run.name=other",
                                "stage.cold-start.mix_schedule=[{ until = 1.0, think_share = 0.5 }]"});
  EXPECT_EQ(recipe.run.seed, 3);
  EXPECT_EQ(recipe.run.name, "other");
  EXPECT_EQ(recipe.stage[2].grpo.group_size, 4);
  EXPECT_EQ(recipe.stage[2].reward.random, 1.0);
  EXPECT_EQ(recipe.stage[2].reward.accuracy, 1.0);
  EXPECT_THAT(recipe.task.at(0).levels, ElementsAre(1, 2));
  ASSERT_EQ(recipe.stage[0].sft.mix_schedule.size(), 1u);
  EXPECT_EQ(recipe.stage[0].sft.mix_schedule[0].think_share, 0.5);
}

TEST(LoadRecipe, NamesTheOverrideThatIsWrong) {
  EXPECT_EQ(
      override_error("stage.rl-1.group_size=1"),
      "--set stage.rl-1.group_size: \"stage.rl-1.group_size\" is 1 (need an integer between 2 and 65536)");
  EXPECT_EQ(override_error("stage.rl-1.goup_size=8"),
            "--set stage.rl-1.goup_size: unknown key \"stage.rl-1.goup_size\". Did you mean \"group_size\"?");
  EXPECT_EQ(override_error("stage.cold-start.group_size=8"),
            "--set stage.cold-start.group_size: stage \"cold-start\" is of kind sft; \"group_size\" belongs "
            "to kind "
            "grpo");
  EXPECT_EQ(
      override_error("stage.rl1.group_size=8"),
      "--set stage.rl1.group_size: no stage is named \"rl1\" (need stage.NAME.KEY with one of cold-start, "
      "eval-cold-start, rl-1, eval-rl-1). Did you mean \"rl-1\"?");
  EXPECT_EQ(override_error("stge.rl-1.group_size=8"),
            "--set stge.rl-1.group_size: unknown key \"stge\". Did you mean \"stage\"?");
  EXPECT_EQ(override_error("run.name=2024"),
            "--set run.name: \"run.name\" is 2024, an integer (need a string)");
  EXPECT_EQ(
      override_error("stage.rl-1.from=rl-1"),
      "--set stage.rl-1.from: stages form a cycle: rl-1 -> rl-1 (need one of them to start from \"model\")");
  EXPECT_EQ(override_error("stage.rl-1.updates_per_step=40"),
            "--set stage.rl-1.updates_per_step: \"stage.rl-1.prompts_per_step\" is 32, and 32 = 40 * 0 + 32 "
            "(need a "
            "multiple of updates_per_step = 40). Nearest: 40.");
}

TEST(ResolvedText, LoadsAgainToTheSameRecipe) {
  const Recipe recipe = sample({"stage.rl-1.learning_rate=3e-4", "stage.cold-start.tasks=[\"chains\"]",
                                "stage.rl-1.temperature=0.30000000000000004"});
  const Recipe again = parse_recipe(resolved_text(recipe), "runs/x/recipe.toml", {});
  EXPECT_EQ(values_of(again), values_of(recipe));
  EXPECT_EQ(values_of(recipe).at("stage[2].temperature"), "0.30000000000000004");
}

TEST(ResolvedText, LoadsAgainWhereWeightsComeFromAFolder) {
  const Recipe recipe =
      parse_recipe(with_stages({{"a", "sft", "model"}}) + "[model]\npath = \"models/m\"\n", "r.toml", {});
  EXPECT_EQ(values_of(parse_recipe(resolved_text(recipe), "r.toml", {})), values_of(recipe));
}

TEST(ResolvedText, NamesProgramsWhereATaskHasOne) {
  const std::string head = R"([run]
name = "x"
[[task]]
name = "mine"
kind = "command"
source = { command = ["python3", "my task.py"], grade_seconds = 0.5 }
[[task]]
name = "file"
kind = "jsonl"
path = "a.jsonl"
grader = { command = ["check"], max_restarts = 0 }
[[task]]
name = "chains"
kind = "arithmetic"
)";
  const Recipe recipe = parse_recipe(head + kStages, "r.toml", {"task.mine.source.memory_mb=64"});
  EXPECT_THAT(recipe.task[0].source.command, ElementsAre("python3", "my task.py"));
  EXPECT_EQ(recipe.task[0].source.memory_mb, 64);
  const std::string text = resolved_text(recipe);
  EXPECT_EQ(values_of(parse_recipe(text, "r.toml", {})), values_of(recipe));
  const auto count = [&](const std::string& what) {
    std::size_t times = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++times;
    return times;
  };
  EXPECT_THAT(text, HasSubstr("source.command = [\"python3\", \"my task.py\"]"));
  EXPECT_EQ(count("\nsource."), 7u);
  EXPECT_EQ(count("\ngrader."), 6u);
}

TEST(RecipeReference, NamesEverySetting) {
  const std::string reference = recipe_reference();
  Recipe recipe = sample({});
  std::size_t count = 0;
  for (const auto& [path, value] : values_of(recipe)) {
    // "stage[0].mix_schedule[1].until" stands in the reference as "mix_schedule[].until".
    std::string key = path.substr(path.find('.') + 1);
    if (const auto open = key.find('['); open != std::string::npos)
      key.erase(open + 1, key.find(']') - open - 1);
    EXPECT_THAT(reference, HasSubstr("| `" + key + "` |")) << path;
    ++count;
  }
  EXPECT_GT(count, 60u);
}

TEST(ShippedRecipes, LoadAndSpellOutWhatDecidesTheRun) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(testing::source_dir() / "recipes")) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    const Recipe recipe = load_recipe(entry.path().string(), {});
    EXPECT_EQ(recipe.run.name, entry.path().stem().string());
    const TomlNode& root = recipe.document.root;
    EXPECT_NE(root.find("run")->find("seed"), nullptr) << entry.path();
    for (std::size_t i = 0; i < recipe.stage.size(); ++i) {
      const TomlNode& stage = root.find("stage")->items[i];
      std::vector<std::string> keys;
      if (recipe.stage[i].kind != StageKind::eval) keys = {"steps", "learning_rate"};
      if (recipe.stage[i].kind == StageKind::grpo)
        keys.insert(keys.end(), {"group_size", "prompts_per_step"});
      for (const auto& key : keys) EXPECT_NE(stage.find(key), nullptr) << entry.path() << " " << key;
    }
  }
  EXPECT_GE(count, 4u);
}

}  // namespace
}  // namespace reckon
