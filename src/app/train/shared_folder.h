#pragma once

#include <filesystem>

#include "reckon/dist/communicator.h"

namespace reckon {

/// Makes the run's folder, and checks that every rank sees in it what rank 0 writes, and may write there
/// itself. Ranks of a folder that is not shared would each leave a part of the run on a machine of its own.
/// Takes seconds where it fails: network file systems remember for a while what a folder held. Collective.
/// \throws AgreedError(environment) naming the ranks that do not, with their hosts; AgreedError(io) where
/// rank 0 cannot write
void check_shared_folder(const std::filesystem::path& folder, Communicator& world);

}  // namespace reckon
