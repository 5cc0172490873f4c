#include "scratch.h"

#include <cerrno>
#include <cstdlib>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon::selftest {
namespace fs = std::filesystem;

Scratch::Scratch(Communicator& world, const fs::path& folder) : rank_(world.rank()) {
  std::string made;  // path, or what is wrong
  bool is_made = false;
  if (rank_ == 0) {
    made = (fs::absolute(folder) / "selftest-XXXXXX").string();
    is_made = mkdtemp(made.data()) != nullptr;
    if (!is_made) {
      made = system_error(ExitCode::io, folder.string() + ": cannot make a folder in it", errno).what();
    }
  }
  const std::string answer = world.all_gather((is_made ? "+" : "-") + made).front();
  if (answer.front() == '-') {
    problem_ = answer.substr(1);
    return;
  }
  path_ = answer.substr(1);
  try {
    make_folders(path_);  // a folder that is not shared is made on each machine
  } catch (const Error& error) {
    problem_ = error.what();
  }
}

Scratch::~Scratch() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

const fs::path& Scratch::shared() const {
  if (!problem_.empty()) throw Error(ExitCode::io, problem_);
  return path_;
}

fs::path Scratch::mine(const std::string& name) const {
  const fs::path folder = shared() / (name + "-" + std::to_string(rank_));
  make_folders(folder);
  return folder;
}

}  // namespace reckon::selftest
