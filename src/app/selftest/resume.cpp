// Whether training that goes on from a checkpoint makes what training makes that was not interrupted.
#include "app/engine.h"
#include "checks.h"
#include "reckon/checkpoint/checkpoint.h"
#include "reckon/checkpoint/writer.h"
#include "training.h"

namespace reckon::selftest {
namespace {

constexpr std::int64_t kBefore = 2;  // updates, and as many after
constexpr BatchConfig kBatch{.leaf_sequences = 2};

CheckpointContent content_of(SmallTraining& training) {
  CheckpointContent content;
  content.state.stage = "selftest";
  content.state.step = kBefore;
  content.state.updates = training.learner().updates();
  content.state.weights_sha256 = training.decoder().sha256();
  content.decoder = &training.decoder();
  content.learner = &training.learner();
  return content;
}

Trained resumed(const SmallModel& model, Communicator& world, const std::filesystem::path& folder) {
  {
    SmallTraining first(model, kBatch, world, 2 * kBefore);
    first.update(kBefore);
    CheckpointWriter writer(folder, world, {});
    writer.begin(content_of(first));
    writer.finish();
  }
  const Checkpoint checkpoint = open_checkpoint(folder / CheckpointName{"selftest", kBefore}.text());
  SmallTraining second(model, kBatch, world, 2 * kBefore);
  load_weights(checkpoint, second.decoder());
  second.decoder().repack();
  const Moments moments = load_moments(checkpoint, second.decoder().parameters().size());
  second.learner().restore(checkpoint.state.updates, moments.first, moments.second);
  second.update(kBefore);
  return second.result();
}

}  // namespace

std::string check_resume(SelfTest& test, Comparison& comparison) {
  for_each_model([&](const SmallModel& model) {
    Trained whole = train(model, kBatch, test.alone, 2 * kBefore);
    // The sums of the updates before the interruption are not those of the second learner.
    whole.sums.erase(whole.sums.begin(), whole.sums.begin() + static_cast<std::ptrdiff_t>(2 * kBefore));
    compare_trained(comparison, model.name, "uninterrupted", whole, "resumed",
                    resumed(model, test.alone, test.scratch.mine("resume-" + model.name)));
  });
  return "weights from a checkpoint and without";
}

}  // namespace reckon::selftest
