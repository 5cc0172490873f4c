#include "run_folder.h"

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon {
namespace fs = std::filesystem;

fs::path prepare_run_folder(const std::string& out, const std::string& run_name) {
  const fs::path folder = out.empty() ? fs::path("runs") / run_name : fs::path(out);
  if (fs::exists(folder / "recipe.toml")) {
    throw Error(ExitCode::environment, folder.string() + ": holds a run already (need a new folder). Remove it, or " +
                                           "name another with --out DIR.");
  }
  make_folders(folder);
  return folder;
}

}  // namespace reckon
