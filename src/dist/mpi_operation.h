#pragma once

#include <mpi.h>

#include "reckon/base/error.h"

namespace reckon {

/// What MPI does without blocking.
class MpiOperation {
 public:
  virtual ~MpiOperation() = default;
  /// Makes progress, and says whether all is done; may be asked again then. Does not wait.
  virtual bool advance() = 0;
  /// What comes and goes at this rank, as far as it is known: how long it is worth while to look often.
  [[nodiscard]] virtual std::size_t num_bytes() const { return 0; }
};

/// \throws Error(internal) where an MPI call failed: ranks that are in different calls, or a lost link
inline void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ExitCode::internal, std::string(call) + ": MPI says: " + text +
                                      " (need the same calls in the same order on all ranks)");
}

}  // namespace reckon
