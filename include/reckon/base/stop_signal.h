#pragma once

namespace reckon {

/// From here on SIGINT, SIGTERM and SIGUSR1 ask the run to stop at the next safe moment instead of ending the
/// process; a second SIGINT or SIGTERM ends it at once. Call before MPI_Init: under mpirun SIGUSR1 reaches
/// every rank at once.
void install_stop_signals();

/// The signal that asked to stop, or 0.
[[nodiscard]] int stop_signal();

}  // namespace reckon
