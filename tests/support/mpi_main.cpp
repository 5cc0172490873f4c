// Runs the tests on every rank; rank 0 writes the results, and the program fails where any rank did.
#include <gtest/gtest.h>

#include <optional>

#include "support/mpi_world.h"

namespace {
std::optional<reckon::MpiSession> session;
}

reckon::Communicator& reckon::testing::mpi_world() {
  return session->world();
}

int main(int argc, char** argv) {
  session.emplace(&argc, &argv);
  reckon::Communicator& world = session->world();
  // GTEST_OUTPUT was read before main(), and InitGoogleTest acts on it: ranks that wrote the same file would
  // mix their lines.
  if (world.rank() != 0) GTEST_FLAG_SET(output, "");
  ::testing::InitGoogleTest(&argc, argv);
  double failed = RUN_ALL_TESTS();
  world.maximum({&failed, 1});
  session.reset();
  return static_cast<int>(failed);
}
