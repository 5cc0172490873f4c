#include "reckon/lineage/manifest.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "shown_text.h"
#include "strict_json.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// What is wrong with a path that a manifest lists; "" where nothing is.
std::string path_problem(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.find('\0') != std::string_view::npos) return "has a zero byte in it";
  if (path.front() == '/') return "is absolute";
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    if (name == "..") return "leads out of the folder";
    if (name.empty() || name == ".") return "has a part that names nothing";
    start = end + 1;
  }
  return "";
}

/// The last member and what follows it, for what stands before it.
std::string own_hash_member(std::string_view before) {
  return "\"sha256\": \"" + sha256_hex(before) + "\"\n}\n";
}

ManifestFile parse_file(const OrderedJson& entry, const std::string& where) {
  JsonObject object(entry, where);
  ManifestFile file;
  file.path = object.text("path");
  const std::string problem = path_problem(file.path);
  if (!problem.empty()) {
    throw Error(ExitCode::bad_data, where + ": path " + in_quotes(file.path) + " " + problem +
                                        " (need a path within the folder, its parts joined by \"/\")");
  }
  file.bytes = object.count("bytes");
  file.sha256 = object.sha256("sha256");
  object.refuse_others();
  return file;
}

/// What stands in the way of reading a file without leaving the folder; none where nothing does.
std::optional<std::string> kind_problem(const fs::path& folder, const std::string& path) {
  fs::path so_far = folder;
  const fs::path relative(path);
  for (auto part = relative.begin(); part != relative.end(); ++part) {
    so_far /= *part;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(so_far, error);
    const bool last = std::next(part) == relative.end();
    if (status.type() == fs::file_type::not_found) return "is missing";
    if (error) return "cannot be read: " + error.message();
    if (status.type() == fs::file_type::symlink) {
      return last ? "is a link (need the file itself)" : "lies behind a link (need the folder itself)";
    }
    if (!last && status.type() != fs::file_type::directory) return "is missing";
    if (last && status.type() == fs::file_type::directory) return "is a folder (need a file)";
    if (last && status.type() != fs::file_type::regular) return "is no ordinary file (need one)";
  }
  return std::nullopt;
}

std::optional<std::string> file_problem(const fs::path& folder, const ManifestFile& listed) {
  if (auto problem = kind_problem(folder, listed.path)) return problem;
  try {
    const ManifestFile found = manifest_file(folder, listed.path);
    if (found.bytes != listed.bytes) {
      return "has " + std::to_string(found.bytes) + " bytes (the manifest lists " +
             std::to_string(listed.bytes) + ")";
    }
    if (found.sha256 != listed.sha256) {
      return "has SHA-256 " + found.sha256 + " (the manifest lists " + listed.sha256 + ")";
    }
  } catch (const Error& error) {
    return std::string("cannot be checked: ") + error.what();
  }
  return std::nullopt;
}

/// A line for each entry of the folder, at any depth, that is no folder and that nothing lists.
void add_unlisted(const fs::path& folder, const std::set<std::string>& known,
                  std::vector<std::string>& problems) {
  std::vector<std::string> unlisted;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;  // an entry without a status is shown as one that is not listed
    if (entries->symlink_status(ignored).type() == fs::file_type::directory) continue;
    const std::string path = entries->path().lexically_relative(folder).generic_string();
    if (!known.contains(path)) unlisted.push_back(path);
  }
  std::sort(unlisted.begin(), unlisted.end());
  for (const std::string& path : unlisted)
    problems.push_back(shown_text(path) + ": is not listed in the manifest");
  if (error) problems.push_back(folder.string() + ": its files cannot be listed: " + error.message());
}

}  // namespace

ManifestFile manifest_file(const fs::path& folder, const std::string& path) {
  if (const auto problem = kind_problem(folder, path)) {
    throw Error(ExitCode::io, (folder / path).string() + ": " + *problem);
  }
  ManifestFile file{.path = path, .bytes = 0, .sha256 = sha256_of_file(folder / path)};
  std::error_code error;
  file.bytes = fs::file_size(folder / path, error);
  if (error) throw Error(ExitCode::io, (folder / path).string() + ": cannot read: " + error.message());
  return file;
}

std::string manifest_json(const Manifest& manifest) {
  OrderedJson object;
  object["schema"] = manifest.schema;
  object["facts"] = OrderedJson::object();
  for (const auto& [name, value] : manifest.facts) object["facts"][name] = value;
  object["files"] = OrderedJson::array();
  std::vector<ManifestFile> files = manifest.files;
  std::sort(files.begin(), files.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });
  for (std::size_t i = 0; i < files.size(); ++i) {
    const bool twice = i > 0 && files[i].path == files[i - 1].path;
    const std::string problem = twice ? "stands twice" : path_problem(files[i].path);
    if (!problem.empty()) {
      throw Error(ExitCode::internal, "manifest_json: path " + in_quotes(files[i].path) + " " + problem);
    }
    if (!is_sha256(files[i].sha256)) {
      throw Error(ExitCode::internal, "manifest_json: " + in_quotes(files[i].path) + " has the SHA-256 " +
                                          in_quotes(files[i].sha256) + " (need 64 hexadecimal digits)");
    }
    object["files"].push_back(
        {{"path", files[i].path}, {"bytes", files[i].bytes}, {"sha256", files[i].sha256}});
  }
  std::string text = dump_strict(object, 2, "manifest_json");
  text.resize(text.size() - 2);  // without the line feed and the brace that end it
  text += ",\n  ";
  return text + own_hash_member(text);
}

Manifest parse_manifest(const std::string& text, const std::string& schema, const std::string& where) {
  const OrderedJson json = parse_strict(text, where);
  JsonObject object(json, where);
  Manifest manifest;
  manifest.schema = object.text("schema");
  if (manifest.schema != schema) {
    throw Error(ExitCode::bad_data,
                where + ": schema " + in_quotes(manifest.schema) + " (need " + in_quotes(schema) + ")");
  }
  static_cast<void>(object.sha256("sha256"));
  // Compared as bytes: what stands behind the hashed part must be just what was written.
  const std::size_t length = own_hash_member("").size();
  const std::string before = text.substr(0, text.size() - std::min(length, text.size()));
  if (text != before + own_hash_member(before)) {
    throw Error(ExitCode::bad_data, where + ": its content is not what its own \"sha256\" says (need " +
                                        sha256_hex(before) +
                                        " of the bytes before it). It was damaged or changed.");
  }
  JsonObject facts(object.object("facts"), where + ": facts");
  for (const auto& [name, value] : json["facts"].items()) manifest.facts[name] = facts.text(name);
  const OrderedJson& files = object.array("files");
  for (std::size_t i = 0; i < files.size(); ++i) {
    ManifestFile file = parse_file(files[i], where + ": files[" + std::to_string(i) + "]");
    if (i > 0 && file.path <= manifest.files.back().path) {
      const bool twice = file.path == manifest.files.back().path;
      throw Error(ExitCode::bad_data, where + ": path " + in_quotes(file.path) +
                                          (twice ? " stands twice" : " stands out of order") +
                                          " (need each path once, in order)");
    }
    manifest.files.push_back(std::move(file));
  }
  object.refuse_others();
  return manifest;
}

std::vector<std::string> manifest_problems(const fs::path& folder, const Manifest& manifest,
                                           const std::string& own) {
  std::vector<std::string> problems;
  std::set<std::string> known = {own};
  if (const auto problem = kind_problem(folder, own)) problems.push_back(shown_text(own) + ": " + *problem);
  for (const ManifestFile& file : manifest.files) {
    known.insert(file.path);
    if (const auto problem = file_problem(folder, file))
      problems.push_back(shown_text(file.path) + ": " + *problem);
  }
  add_unlisted(folder, known, problems);
  return problems;
}

}  // namespace reckon
