#pragma once

#include <string_view>

namespace reckon {

/// A named moment at which a test can make the process die: with RECKON_FAIL_AT=checkpoint.rename:2 in the
/// environment, the second call of failpoint("checkpoint.rename") ends the process by SIGKILL, as a power cut
/// would: nothing is flushed, no destructor runs. Several are separated by commas. With RECKON_FAIL_SIGNAL
/// the process sends itself the signal of that number instead. With RECKON_FAIL_RANK set, only the process
/// whose rank (set_failpoint_rank) is that number dies. Without the variable the call costs one branch.
void failpoint(std::string_view name);

/// Tells failpoint() which rank this process is; 0 until then.
void set_failpoint_rank(int rank);

}  // namespace reckon
