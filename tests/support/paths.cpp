#include "support/paths.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace reckon::testing {
namespace fs = std::filesystem;

fs::path source_dir() {
  return RECKON_SOURCE_DIR;
}

fs::path binary_dir() {
  return RECKON_BINARY_DIR;
}

std::optional<fs::path> shared_data() {
  const fs::path path = source_dir().parent_path() / "shared" / "data";
  if (fs::is_directory(path)) return path;
  return std::nullopt;
}

std::optional<fs::path> oracle_python() {
  fs::path path = source_dir() / ".deps" / "oracles" / "bin" / "python";
  if (const char* given = std::getenv("RECKON_ORACLE_PYTHON")) path = given;
  if (fs::exists(path)) return path;
  return std::nullopt;
}

std::size_t sweep_size(std::size_t sample, std::size_t all) {
  return std::getenv("RECKON_TEST_FULL") != nullptr ? all : sample;
}

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "reckon-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("TempDir: cannot make " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

CommandResult run_command(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("run_command: cannot start " + command);
  CommandResult result;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("read_text: cannot open " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("write_text: cannot write " + file.string());
}

}  // namespace reckon::testing
