// Whether all ranks see one folder, and what its file system keeps.
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "checks.h"
#include "judge.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/file_lock.h"

namespace reckon::doctor {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr double kWaitSeconds = 10;   // for what another host wrote: NFS looks every few seconds
constexpr double kLateSeconds = 1.0;  // from here on it is told

/// Runs what only this rank does, in a check that has collective calls before and behind.
/// \return what went wrong; "" where nothing did
std::string problem_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

/// Collective: makes the problems of all ranks into failures.
void tell_problems(Examination& examination, const std::string& mine, const std::string& advice,
                   Finding& finding) {
  constexpr int kMost = 4;
  const std::vector<std::string> all = examination.world.all_gather(mine);
  int count = 0;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].empty() || ++count > kMost) continue;
    finding.fail(name_of(examination.facts.at(rank)) + ": " + all[rank] + ". " + advice);
  }
  if (count > kMost) finding.fail(std::to_string(count - kMost) + " more ranks say such things");
}

/// Waits until a file has this content. \return s that it took \throws Error(io)
double wait_for_content(const fs::path& file, const std::string& content) {
  const auto start = Clock::now();
  std::string seen = "nothing";
  while (seconds_since(start) < kWaitSeconds) {
    try {
      seen = read_file(file);
      if (seen == content) return seconds_since(start);
    } catch (const Error&) {
      // not there yet
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw Error(ExitCode::io, file.string() + ": sees " + (seen == "nothing" ? seen : "another content") + " " +
                                std::to_string(static_cast<int>(kWaitSeconds)) +
                                " s after another rank wrote it");
}

constexpr std::size_t kFileBytes = std::size_t{64} << 10;

std::string version(int number) {
  return std::string(kFileBytes, static_cast<char>('a' + number % 26));
}

bool is_whole(const std::string& bytes) {
  return bytes.size() == kFileBytes && bytes.find_first_not_of(bytes.front()) == std::string::npos;
}

constexpr int kLastVersion = 25;

/// Reads while another rank replaces, until the last version is there. \return reads
int read_versions(const fs::path& file) {
  const auto start = Clock::now();
  int reads = 0;
  for (std::string bytes; bytes != version(kLastVersion); ++reads) {
    bytes = read_file(file);
    if (!is_whole(bytes))
      throw Error(ExitCode::io, file.string() + ": " + std::to_string(bytes.size()) +
                                    " bytes, not all of one version, while it was replaced");
    if (seconds_since(start) > kWaitSeconds)
      throw Error(ExitCode::io, file.string() + ": still shows an older version " +
                                    std::to_string(static_cast<int>(kWaitSeconds)) +
                                    " s after it was replaced");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return reads;
}

}  // namespace

Finding check_shared_folder(Examination& examination) {
  Communicator& world = examination.world;
  const auto file_of = [&](int rank) {
    return examination.scratch.shared() / ("seen-" + std::to_string(rank));
  };
  const std::string token = world.all_gather(std::to_string(getpid()) + " " + host_name()).front();
  std::string problem = problem_of([&] { write_file_atomic(file_of(world.rank()), token); });
  world.barrier();
  double latest_s = 0;
  if (problem.empty()) {
    problem = problem_of([&] {
      latest_s = wait_for_content(file_of(0), token);
      for (int rank = 1; world.rank() == 0 && rank < world.size(); ++rank) {
        const std::string missing =
            problem_of([&] { latest_s = std::max(latest_s, wait_for_content(file_of(rank), token)); });
        if (missing.empty()) continue;
        throw Error(ExitCode::io, "does not see what " +
                                      name_of(examination.facts.at(static_cast<std::size_t>(rank))) +
                                      " wrote: " + missing);
      }
    });
  }
  Finding finding{.found = "every rank sees what others write in " + examination.folder.string()};
  tell_problems(
      examination, problem,
      "The folder of a run must be one that all ranks share (NFS, Lustre, ...), at the same path: reckon "
      "train refuses others",
      finding);
  world.maximum({&latest_s, 1});
  if (finding.verdict == Verdict::pass && latest_s > kLateSeconds)
    finding.warn(
        "a file was seen " + time_text(latest_s) +
        " after it was written: mount the file system with less caching of attributes (NFS: actimeo=1)");
  examination.is_shared = finding.verdict != Verdict::fail;
  if (!examination.is_shared) finding.found = "not every rank sees " + examination.folder.string();
  return finding;
}

Finding check_rename(Examination& examination) {
  if (!examination.is_shared) return skipped("the folder is not shared");
  Communicator& world = examination.world;
  const fs::path file = examination.scratch.shared() / "replaced";
  const bool is_root = world.rank() == 0;
  std::string problem = problem_of([&] {
    if (is_root) write_file_atomic(file, version(0));
  });
  world.barrier();
  if (problem.empty()) problem = problem_of([&] { (void)wait_for_content(file, version(0)); });
  world.barrier();
  double reads = 0;
  const auto replace_or_read = [&] {
    for (int number = 1; is_root && number <= kLastVersion; ++number)
      write_file_atomic(file, version(number));
    reads = read_versions(file);
  };
  if (problem.empty()) problem = problem_of(replace_or_read);
  world.sum({&reads, 1});
  Finding finding{.found = "a file replaced " + std::to_string(kLastVersion) + " times was whole in " +
                           std::to_string(static_cast<int>(reads)) + " reads"};
  tell_problems(examination, problem,
                "Checkpoints rely on it: put runs on a file system that replaces files at once", finding);
  if (finding.verdict == Verdict::fail) finding.found = "a file that was replaced was not whole";
  return finding;
}

Finding check_lock(Examination& examination) {
  Communicator& world = examination.world;
  if (world.size() == 1) return skipped("one rank");
  if (!examination.is_shared) return skipped("the folder is not shared");
  std::unique_ptr<FileLock> lock;
  const auto take = [&] { lock = FileLock::try_take(examination.scratch.shared() / "lock"); };
  std::string problem = world.rank() == 0 ? problem_of(take) : "";
  world.barrier();
  if (world.rank() != 0) problem = problem_of(take);
  const bool is_taken_twice = world.rank() != 0 && lock != nullptr;
  if (is_taken_twice) problem = "takes the lock that " + name_of(examination.facts.front()) + " holds";
  Finding finding{.found = "flock keeps other ranks out"};
  tell_problems(
      examination, problem,
      "Nothing then keeps two runs from writing into one folder: mount with locks (Lustre: -o flock; NFS: "
      "lockd, or version 4)",
      finding);
  if (finding.verdict == Verdict::fail) {
    finding.verdict = Verdict::warn;
    finding.found = "flock does not keep other ranks out";
  }
  return finding;
}

}  // namespace reckon::doctor
