#include "run_folder.h"

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon {

void prepare_run_folder(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "recipe.toml")) {
    throw Error(ExitCode::environment, folder.string() +
                                           ": holds a run already (need a new folder). Remove it, or " +
                                           "name another with --out DIR.");
  }
  make_folders(folder);
}

}  // namespace reckon
