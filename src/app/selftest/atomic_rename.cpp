// Whether a file or folder that is renamed into its place is ever missing or incomplete for one who reads, on
// the file system of the folder.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include "app/display.h"
#include "checks.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon::selftest {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBytes = std::size_t{256} << 10;  // more than one write of most file systems
constexpr int kMostReplacements = 200;
constexpr int kFewestReplacements = 20;
constexpr auto kTime = std::chrono::seconds(3);  // on a slow disk fewer are made
constexpr int kFolders = 10;

/// The content of version `number`: a letter, again and again.
std::string content(int number) {
  return std::string(kBytes, static_cast<char>('a' + number % 26));
}

/// Whether it is the whole content of any version.
bool is_whole(const std::string& bytes) {
  return bytes.size() == kBytes && bytes.find_first_not_of(bytes.front()) == std::string::npos;
}

/// Reads in a thread, again and again, while this thread writes.
class Reader {
 public:
  /// \param look  reads once; returns what is wrong, or nothing
  explicit Reader(std::function<std::string()> look)
      : thread_([this, look = std::move(look)] { run(look); }) {}
  ~Reader() { stop(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Waits until it has begun and ended another look.
  void wait_for_look() const {
    for (const std::int64_t then = looks_; looks_ < then + 2 && !has_ended_;) std::this_thread::yield();
  }
  /// \return what the first look that went wrong said
  std::string stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return problem_;
  }
  [[nodiscard]] std::int64_t looks() const { return looks_; }

 private:
  void run(const std::function<std::string()>& look) {
    while (!stopping_ && problem_.empty()) {
      problem_ = look();
      ++looks_;
    }
    has_ended_ = true;
  }

  std::string problem_;  // the thread's, until it is joined
  std::atomic<bool> stopping_ = false, has_ended_ = false;
  std::atomic<std::int64_t> looks_ = 0;
  std::thread thread_;
};

std::string look_at_file(const fs::path& file) {
  std::string bytes;
  try {
    bytes = read_file(file);
  } catch (const Error& error) {
    return std::string(error.what()) + ", while it was replaced";
  }
  if (is_whole(bytes)) return "";
  return file.string() + ": " + std::to_string(bytes.size()) + " bytes, not all of one version (need " +
         std::to_string(kBytes) + "), while it was replaced";
}

/// Writes without a rename, as must not be done: half of it, a look of the reader, the rest.
void write_in_place(const fs::path& file, const std::string& bytes, const Reader& reader) {
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size() / 2)).flush();
  reader.wait_for_look();
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size() / 2));
}

struct FileCounts {
  int replacements = 0;
  std::int64_t reads = 0;
};

FileCounts replace_file(const fs::path& folder, Comparison& comparison) {
  const fs::path file = folder / "file";
  write_file_atomic(file, content(0));
  Reader reader([&] { return look_at_file(file); });
  if (comparison.breaks_next()) write_in_place(file, content(1), reader);
  const auto end = Clock::now() + kTime;
  FileCounts counts;
  while (counts.replacements < kMostReplacements &&
         (counts.replacements < kFewestReplacements || Clock::now() < end)) {
    write_file_atomic(file, content(++counts.replacements));
  }
  reader.wait_for_look();
  const std::string problem = reader.stop();
  if (!problem.empty()) comparison.fail(problem);
  const std::string last = content(counts.replacements);
  comparison.text("last version of " + file.string(), "written", last.substr(0, 1), "read",
                  read_file(file).substr(0, 1));
  counts.reads = reader.looks();
  return counts;
}

std::string look_at_folder(const fs::path& folder) {
  try {
    if (!fs::exists(folder / "first")) return "";
    for (const char* name : {"first", "second"}) {
      if (!is_whole(read_file(folder / name))) return (folder / name).string() + ": incomplete";
    }
  } catch (const std::exception& error) {
    return std::string(error.what()) + ", while the folder was renamed";
  }
  return "";
}

/// Renames complete folders to where empty ones are.
void rename_folders(const fs::path& folder, Comparison& comparison) {
  const auto place = [&](int number) { return folder / ("folder-" + std::to_string(number)); };
  make_folders(place(0));
  std::atomic<int> current = 0;
  Reader reader([&] { return look_at_folder(place(current)); });
  for (int number = 0; number < kFolders; ++number) {
    make_folders(place(number));
    current = number;
    const fs::path made = folder / "made";
    make_folders(made);
    write_file_atomic(made / "first", content(number));
    write_file_atomic(made / "second", content(number));
    if (std::rename(made.c_str(), place(number).c_str()) != 0) {
      throw system_error(ExitCode::io, place(number).string() + ": cannot rename " + made.string(), errno);
    }
    fsync_path(folder);
    reader.wait_for_look();
  }
  const std::string problem = reader.stop();
  if (!problem.empty()) comparison.fail(problem);
  const std::string last = content(kFolders - 1);
  comparison.text("file of a renamed folder", "written", last.substr(0, 1), "read",
                  read_file(place(kFolders - 1) / "second").substr(0, 1));
}

}  // namespace

std::string check_atomic_rename(SelfTest& test, Comparison& comparison) {
  const fs::path folder = test.scratch.mine("rename");
  const FileCounts counts = replace_file(folder, comparison);
  rename_folders(folder, comparison);
  const auto free = static_cast<double>(fs::space(folder).available);
  return std::to_string(counts.replacements) + " files, " + short_count(static_cast<double>(counts.reads)) +
         " reads, " + fixed(free / 1e9, 1) + " GB free";
}

}  // namespace reckon::selftest
