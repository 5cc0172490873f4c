#pragma once

#include <filesystem>
#include <string>

#include "reckon/dist/communicator.h"

namespace reckon::selftest {

/// A folder for the time of the self-test, in the folder that is tested, and in it one for each rank. All are
/// removed at the end.
class Scratch {
 public:
  /// Collective. Where it cannot be made, shared() and mine() say so.
  Scratch(Communicator& world, const std::filesystem::path& folder);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// The folder of all ranks. \throws Error(io) where it could not be made
  [[nodiscard]] const std::filesystem::path& shared() const;
  /// A new folder of this rank alone. \throws Error(io)
  [[nodiscard]] std::filesystem::path mine(const std::string& name) const;

 private:
  std::filesystem::path path_;
  int rank_;
  std::string problem_;
};

}  // namespace reckon::selftest
