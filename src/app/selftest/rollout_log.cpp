// Whether a rollout log can be read while another process writes it, and after that was killed.
#include "checks.h"
#include "helper.h"
#include "reckon/base/error.h"
#include "reckon/record/batch_hash.h"

namespace reckon::selftest {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kSteps = 3;

void compare_log(const fs::path& folder, std::uint64_t steps, const std::string& when,
                 Comparison& comparison) {
  const auto segments = rollout_segments(folder, 0);
  if (segments.empty()) throw Error(ExitCode::internal, folder.string() + ": holds no rollout log");
  const RolloutLogReader reader(segments.front());
  comparison.text("steps of the log", "appended", std::to_string(steps), when,
                  std::to_string(reader.num_steps()));
  for (std::uint64_t i = 0; i < std::min(steps, reader.num_steps()); ++i) {
    comparison.text("step " + std::to_string(i) + " of the log, SHA-256", "appended",
                    batch_sha256(small_step(i)), when, batch_sha256(reader.read(i).batch));
  }
}

}  // namespace

std::string check_rollout_log(SelfTest& test, Comparison& comparison) {
  const fs::path folder = test.scratch.mine("log");
  Helper writer;
  for (std::uint64_t steps = 1; steps <= kSteps; ++steps) {
    (void)writer.ask(log_request(folder, steps));
    compare_log(folder, steps, "read while it is written", comparison);
  }
  writer.kill();
  compare_log(folder, kSteps, "read after its writer was killed", comparison);
  return "HDF5 read live and after a kill";
}

}  // namespace reckon::selftest
