#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reckon {

/// One file of a folder as the folder's manifest lists it.
struct ManifestFile {
  std::string path;  ///< within the folder, with '/'; never leads out of it
  std::uint64_t bytes = 0;
  std::string sha256;  ///< 64 hexadecimal digits
  bool operator==(const ManifestFile&) const = default;
};

/// What a folder holds, file by file, each with its SHA-256.
struct Manifest {
  std::string schema;                        ///< what kind of folder it is: "reckon.checkpoint/1"
  std::map<std::string, std::string> facts;  ///< what else it says of the folder, by name
  std::vector<ManifestFile> files;           ///< by path
};

/// Size and SHA-256 of a file of a folder. \throws Error(io) where it cannot be read.
[[nodiscard]] ManifestFile manifest_file(const std::filesystem::path& folder, const std::string& path);

/// The manifest as JSON, the same bytes for the same content; its member "sha256" is of all that stands
/// before it, so that a flipped bit anywhere in it is found.
[[nodiscard]] std::string manifest_json(const Manifest& manifest);

/// \param where  names the file in messages
/// \throws Error(bad_data) naming what is wrong: no JSON, another schema, a path that leads out of the folder
/// or stands twice, a SHA-256 that is none, or content that is not what its own "sha256" says.
[[nodiscard]] Manifest parse_manifest(const std::string& text, const std::string& schema,
                                      const std::string& where);

/// Compares a folder with its manifest: a line for each file that is missing, is a link or no file, has
/// another size or another SHA-256, and for each file of the folder that the manifest does not list. Empty:
/// all is as listed. \param own  the manifest's path in the folder, which cannot list itself
[[nodiscard]] std::vector<std::string> manifest_problems(const std::filesystem::path& folder,
                                                         const Manifest& manifest, const std::string& own);

}  // namespace reckon
