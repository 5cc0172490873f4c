#pragma once

#include <memory>
#include <string>

#include "engine.h"

namespace reckon {

/// \throws Error(environment) where this program has no CUDA, or this rank no GPU. Makes the rank's GPU the
/// thread's device.
void check_cuda();

/// What the terminal says of the device: its name and number.
[[nodiscard]] std::string cuda_device_text();

/// A stage's model on the rank's GPU.
[[nodiscard]] std::unique_ptr<Engine> make_cuda_engine(Numerics numerics, Decoder& decoder,
                                                       Communicator& world);

}  // namespace reckon
