#include "rollout_source.h"

#include "reckon/base/failpoint.h"

namespace reckon {
namespace {

class OwnRollouts final : public RolloutSource {
 public:
  explicit OwnRollouts(GrpoStage& grpo) : grpo_(grpo) {}

  void weights_made(std::int64_t step, const std::string& sha256) override {
    grpo_.weights_made(step, sha256);
  }
  [[nodiscard]] GrpoStep next(std::int64_t number) override {
    GrpoStep step = grpo_.draw(number);
    failpoint("train.draw");
    grpo_.sample(step);
    failpoint("train.sampled");
    grpo_.assign(step);
    grpo_.exchange(step);
    failpoint("train.exchanged");
    return step;
  }
  [[nodiscard]] StreamCursor cursor(std::int64_t done) override {
    return grpo_.prompts().cursor(grpo_.first_group_after(done));
  }

 private:
  GrpoStage& grpo_;
};

}  // namespace

std::unique_ptr<RolloutSource> make_own_rollouts(GrpoStage& grpo) {
  return std::make_unique<OwnRollouts>(grpo);
}

}  // namespace reckon
