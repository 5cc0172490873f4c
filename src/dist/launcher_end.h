#pragma once

namespace reckon {

/// For a job that is being aborted. mpirun ends when the daemons of all hosts have answered; for one that a
/// broken link has cut off it waits as long as TCP tries, a quarter of an hour. So a process of its own,
/// which outlives this one, kills the launcher of this host, mpirun or its daemon, where that is still there
/// after so many seconds. Nothing is done where this process was started by anything else.
void end_launcher_later(unsigned seconds);

}  // namespace reckon
