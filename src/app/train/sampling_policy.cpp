#include "sampling_policy.h"

#include <algorithm>

#include "reckon/base/error.h"

namespace reckon {

SamplingPolicy::SamplingPolicy(const ModelInitConfig& model, const Decoder& like)
    : alone_(make_serial_communicator()),
      decoder_(copy_of(like)),
      engine_(make_engine(model, *decoder_, *alone_)) {}

void SamplingPolicy::use(const PolicyVersion& version) {
  if (version.step == step_) return;
  std::ranges::copy(version.weights, decoder_->parameters().begin());
  const std::string sha256 = decoder_->sha256();
  if (sha256 != version.sha256) {
    throw Error(ExitCode::internal, "weights of step " + std::to_string(version.step) + " have the SHA-256 " +
                                        sha256.substr(0, 12) + "..., not " + version.sha256.substr(0, 12) +
                                        "... (need the bits that they were made with)");
  }
  engine_->store_weights();
  step_ = version.step;
  updates_ = version.updates;
}

}  // namespace reckon
