// Whether flock keeps a second process out, on the file system of the folder.
#include "reckon/base/file_lock.h"

#include <filesystem>

#include "checks.h"
#include "helper.h"

namespace reckon::selftest {
namespace fs = std::filesystem;

std::string check_file_lock(SelfTest& test, Comparison& comparison) {
  const fs::path file = test.scratch.mine("lock") / "lock";
  Helper second;
  std::unique_ptr<FileLock> lock = FileLock::try_take(file);
  if (!lock) comparison.fail(file.string() + ": a new file is locked already");
  comparison.text("flock while this process holds it", "expected", "refused", "for a second process",
                  second.ask(lock_request(file)));
  lock.reset();
  comparison.text("flock after this process let it go", "expected", "taken", "by a second process",
                  second.ask(lock_request(file)));
  return "flock keeps a second process out";
}

}  // namespace reckon::selftest
