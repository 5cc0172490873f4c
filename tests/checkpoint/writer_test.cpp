// Checkpoints written by 1, 2 and 4 ranks are read by one.
#include "reckon/checkpoint/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/base/error.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/learn/sft.h"
#include "support/mpi_world.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;

/// A folder that all ranks see.
class SharedFolder {
 public:
  explicit SharedFolder(Communicator& world) : world_(world) {
    std::string path;
    if (world.rank() == 0) path = own_.emplace().path().string();
    path_ = world.all_gather(path).front();
  }
  ~SharedFolder() { world_.barrier(); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  Communicator& world_;
  std::optional<testing::TempDir> own_;
  fs::path path_;
};

class CheckpointTest : public ::testing::Test {
 protected:
  Communicator& world = testing::mpi_world();
  SharedFolder folder{world};
  std::unique_ptr<Decoder> model = testing::tiny_model(1);
  OptimizerConfig optimizer{.learning_rate = 1e-2};
  CpuLearner learner{*model, optimizer, {.leaf_sequences = 1, .micro_batch_leaves = 1}, world, 10};

  void train(int updates) {
    const std::vector<std::uint32_t> prompt = {1, 2}, a = {3, 4, 5}, b = {6, 7};
    for (int i = 0; i < updates; ++i)
      static_cast<void>(sft_update(learner, std::vector<TrainSequence>{{prompt, a}, {prompt, b}}));
  }
  [[nodiscard]] CheckpointContent content(std::int64_t step) const {
    CheckpointContent content;
    content.state.stage = "rl-1";
    content.state.step = step;
    content.state.updates = learner.updates();
    content.state.cursor = {.number = 9, .visits = {{5, 2}, {18446744073709551615u, 1}}};
    content.state.weights_sha256 = model->sha256();
    content.decoder = model.get();
    content.learner = &learner;
    content.files = {{"tokenizer.json", "{}"}};
    return content;
  }
};

TEST_F(CheckpointTest, WeightsMomentsAndStateComeBackWhateverWasWritten) {
  for (const TensorDtype dtype : {TensorDtype::f32, TensorDtype::bf16}) {
    train(3);
    CheckpointContent written = content(learner.updates());
    written.dtype = dtype;
    written.texts["lineage.json"] = "{}\n";
    CheckpointWriter writer(folder.path(), world, {});
    writer.begin(written);
    const std::string weights = model->sha256();
    const auto parameters = static_cast<std::int64_t>(model->parameters().size());
    const Range part = parameter_part(parameters, world.rank(), world.size());
    Moments mine{std::vector<float>(static_cast<std::size_t>(part.size())),
                 std::vector<float>(static_cast<std::size_t>(part.size()))};
    learner.copy_moments(part, mine.first, mine.second);
    const Moments moments{gather_values(world, mine.first), gather_values(world, mine.second)};
    train(1);  // what is written is what was there when it began
    writer.finish();
    world.barrier();

    const Checkpoint read =
        open_checkpoint(folder.path() / CheckpointName{"rl-1", written.state.step}.text());
    EXPECT_EQ(read.state.world_size, world.size());
    EXPECT_EQ(read.state.updates, written.state.updates);
    EXPECT_EQ(read.state.cursor, written.state.cursor);
    EXPECT_EQ(read.manifest.facts.at("weights_sha256"), weights);
    const auto other = testing::tiny_model(2);
    load_weights(read, *other);
    EXPECT_EQ(other->sha256(), weights);
    const Moments loaded = load_moments(read, model->parameters().size());
    EXPECT_EQ(loaded.first, moments.first);
    EXPECT_EQ(loaded.second, moments.second);
    const CheckpointName name{"rl-1", written.state.step};
    EXPECT_EQ(testing::read_text(folder.path() / "latest"), name.text() + "\n");
    world.barrier();
  }
}

TEST_F(CheckpointTest, AResumedLearnerMakesTheSameUpdates) {
  train(2);
  CheckpointWriter writer(folder.path(), world, {});
  writer.begin(content(2));
  writer.finish();
  train(2);
  world.barrier();
  const Checkpoint read = open_checkpoint(folder.path() / "rl-1/step-000002");
  const auto serial = make_serial_communicator();  // another number of ranks
  const auto resumed = testing::tiny_model(3);
  load_weights(read, *resumed);
  resumed->repack();
  CpuLearner other(*resumed, optimizer, {.leaf_sequences = 1, .micro_batch_leaves = 1}, *serial, 10);
  const Moments moments = load_moments(read, resumed->parameters().size());
  other.restore(read.state.updates, moments.first, moments.second);
  const std::vector<std::uint32_t> prompt = {1, 2}, a = {3, 4, 5}, b = {6, 7};
  for (int i = 0; i < 2; ++i)
    static_cast<void>(sft_update(other, std::vector<TrainSequence>{{prompt, a}, {prompt, b}}));
  EXPECT_EQ(resumed->sha256(), model->sha256());
  EXPECT_THROW(other.restore(1, std::vector<float>(3), moments.second), std::invalid_argument);
}

TEST_F(CheckpointTest, MomentsOfAnotherModelAreRefused) {
  train(1);
  CheckpointWriter writer(folder.path(), world, {});
  writer.begin(content(1));
  writer.finish();
  world.barrier();
  const Checkpoint read = open_checkpoint(folder.path() / "rl-1/step-000001");
  const std::size_t parameters = model->parameters().size();
  const auto refused = [&](std::size_t others, const std::string& why) {
    EXPECT_THAT([&] { static_cast<void>(load_moments(read, others)); },
                ::testing::ThrowsMessage<Error>(::testing::HasSubstr(why)));
  };
  refused(parameters - 1, " values (need at most ");
  refused(parameters + 1, "\"first_moment\" has ");
  EXPECT_EQ(load_moments(read, parameters).second.size(), parameters);
  world.barrier();
}

TEST_F(CheckpointTest, OldOnesGoAndTheNewestIsNeverTouched) {
  CheckpointWriter writer(folder.path(), world, {.keep_last = 2, .keep_every = 3});
  for (std::int64_t step = 1; step <= 6; ++step) {
    train(1);
    writer.begin(content(step));
  }
  writer.finish();
  world.barrier();
  std::vector<std::int64_t> steps;
  for (const CheckpointName& name : list_checkpoints(folder.path())) steps.push_back(name.step);
  EXPECT_THAT(steps, ::testing::ElementsAre(3, 5, 6));
  world.barrier();
}

TEST_F(CheckpointTest, OneThatStandsThereAlreadyIsReplaced) {
  CheckpointWriter writer(folder.path(), world, {});
  writer.begin(content(7));
  writer.finish();
  train(1);
  writer.begin(content(7));
  writer.finish();
  world.barrier();
  EXPECT_EQ(open_checkpoint(folder.path() / "rl-1/step-000007").state.weights_sha256, model->sha256());
  EXPECT_FALSE(fs::exists(folder.path() / "rl-1/step-000007.removed"));
  world.barrier();
}

TEST_F(CheckpointTest, AFolderThatCannotBeMadeFailsOnEveryRank) {
  if (world.rank() == 0) testing::write_text(folder.path() / "rl-1", "a file in the way");
  world.barrier();
  CheckpointWriter writer(folder.path(), world, {});
  try {
    writer.begin(content(1));
    ADD_FAILURE();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::io);
    const std::string text = error.what();
    EXPECT_EQ(text.find("rl-1") != std::string::npos, world.rank() == 0) << text;
  }
  EXPECT_FALSE(writer.in_flight());
}

TEST_F(CheckpointTest, APartThatCannotBeWrittenFailsOnEveryRankAndLeavesNothing) {
  train(1);
  CheckpointContent bad = content(1);
  if (world.rank() == world.size() - 1) bad.sync_first = {folder.path() / "not-there.h5"};
  CheckpointWriter writer(folder.path(), world, {});
  writer.begin(bad);
  try {
    writer.finish();
    ADD_FAILURE();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::io);
    const std::string text = error.what();
    EXPECT_EQ(text.find("not-there.h5") != std::string::npos, world.rank() == world.size() - 1);
  }
  world.barrier();
  EXPECT_THAT(list_checkpoints(folder.path()), ::testing::IsEmpty());
  EXPECT_FALSE(fs::exists(folder.path() / "rl-1/step-000001.tmp"));
  world.barrier();
  writer.begin(content(2));  // and the next one is written
  writer.finish();
  world.barrier();
  EXPECT_EQ(list_checkpoints(folder.path()).size(), 1u);
  world.barrier();
}

}  // namespace
}  // namespace reckon
