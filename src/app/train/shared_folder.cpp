#include "shared_folder.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "together.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::size_t kMostNamed = 8;  // of hundreds of ranks a few are enough to know what is wrong

/// A word that no other run has written.
std::string random_word() {
  std::random_device device;
  std::string word;
  for (int i = 0; i < 4; ++i) word += std::to_string(device()) + (i < 3 ? "-" : "");
  return word;
}

void write_word(const fs::path& file, const std::string& word) {
  std::ofstream out(file, std::ios::binary);
  out << word;
  out.close();
  if (!out)
    throw Error(ExitCode::io, file.string() + ": cannot be written (need a folder that ranks can write to)");
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What is wrong on this rank, for "rank 1 on gpu02 ...": empty where nothing is.
std::string complaint(const fs::path& folder, const fs::path& file, const std::string& word) {
  for (const auto end = Clock::now() + kPatience; content_of(file) != word;
       std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
    if (Clock::now() > end) return "does not see what rank 0 wrote there";
  }
  return access(folder.c_str(), W_OK) == 0 ? "" : "cannot write there";
}

}  // namespace

void check_shared_folder(const fs::path& folder, Communicator& world) {
  if (world.size() == 1) return;
  const bool is_root = world.rank() == 0;
  const std::string word = world.all_gather(is_root ? random_word() : "").front();
  const fs::path file = folder / ("shared-" + word + ".tmp");
  run_together(world, [&] {
    if (!is_root) return;
    make_folders(folder);
    write_word(file, word);
  });
  const std::vector<std::string> complaints = world.all_gather(complaint(folder, file, word));
  if (is_root) {
    std::error_code ignored;
    fs::remove(file, ignored);
  }
  run_together(world, [&] {
    if (!is_root) return;
    std::string named;
    std::size_t count = 0;
    for (std::size_t rank = 0; rank < complaints.size(); ++rank) {
      if (complaints[rank].empty() || ++count > kMostNamed) continue;
      named += std::string(count > 1 ? "; " : "") + "rank " + std::to_string(rank) + " on " +
               world.host(static_cast<int>(rank)) + " " + complaints[rank];
    }
    if (count == 0) return;
    if (count > kMostNamed) named += "; and " + std::to_string(count - kMostNamed) + " ranks more";
    throw Error(ExitCode::environment,
                folder.string() + ": is not one folder for all ranks: " + named +
                    " (need --out on a file system that all of them see; rank 0 is on " + world.host(0) +
                    ")");
  });
}

}  // namespace reckon
