// Whether all ranks see in the folder what rank 0 writes there, and its lock.
#include <chrono>
#include <memory>
#include <thread>

#include "checks.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/file_lock.h"

namespace reckon::selftest {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);  // network file systems remember names for some seconds

/// What a file holds: waits a while for it to hold this.
std::string wait_for(const fs::path& file, const std::string& content) {
  for (const auto end = Clock::now() + kPatience;;
       std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
    std::string seen;
    try {
      seen = read_file(file);
    } catch (const Error& error) {
      seen = error.what();
    }
    if (seen == content || Clock::now() > end) return seen;
  }
}

/// Runs what may fail on one rank while the others go on to the next collective call.
template <class Work>
void run_alone(Comparison& comparison, const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    comparison.fail(error.what());
  }
}

}  // namespace

std::string check_shared_folder(SelfTest& test, Comparison& comparison) {
  const bool is_root = test.world.rank() == 0;
  for (const char* content : {"first content", "second content"}) {
    run_alone(comparison, [&] {
      if (is_root) write_file_atomic(test.scratch.shared() / "shared", content);
    });
    test.world.barrier();
    run_alone(comparison, [&] {
      const fs::path file = test.scratch.shared() / "shared";
      comparison.text(file.string(), "as rank 0 wrote it", content, "as this rank sees it",
                      wait_for(file, content));
    });
    test.world.barrier();
  }
  std::unique_ptr<FileLock> lock;
  run_alone(comparison, [&] {
    if (is_root) lock = FileLock::try_take(test.scratch.shared() / "lock");
  });
  test.world.barrier();
  run_alone(comparison, [&] {
    const bool is_held =
        is_root ? lock != nullptr : FileLock::try_take(test.scratch.shared() / "lock") != nullptr;
    comparison.text("flock while rank 0 holds it", "expected", is_root ? "taken" : "refused", "by this rank",
                    is_held ? "taken" : "refused");
  });
  test.world.barrier();
  return "files and lock of rank 0 on " + std::to_string(test.world.size()) + " ranks";
}

}  // namespace reckon::selftest
