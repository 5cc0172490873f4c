// Whether flock keeps a second process out, on the file system of the folder.
#include "file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "checks.h"
#include "helper.h"
#include "reckon/base/error.h"

namespace reckon::selftest {
namespace fs = std::filesystem;

FileLock::FileLock(const fs::path& file)
    : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw system_error(ExitCode::io, file.string() + ": cannot be opened", errno);
  is_held_ = flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  if (is_held_ || errno == EWOULDBLOCK) return;
  const int error = errno;
  close(descriptor_);
  throw system_error(ExitCode::io, file.string() + ": flock failed", error);
}

FileLock::~FileLock() {
  close(descriptor_);
}

std::string check_file_lock(SelfTest& test, Comparison& comparison) {
  const fs::path file = test.scratch.mine("lock") / "lock";
  Helper second;
  std::optional<FileLock> lock;
  lock.emplace(file);
  if (!lock->is_held()) comparison.fail(file.string() + ": a new file is locked already");
  comparison.text("flock while this process holds it", "expected", "refused", "for a second process",
                  second.ask(lock_request(file)));
  lock.reset();
  comparison.text("flock after this process let it go", "expected", "taken", "by a second process",
                  second.ask(lock_request(file)));
  return "flock keeps a second process out";
}

}  // namespace reckon::selftest
