// Runs a fuzz target over its corpus, and over deterministic mutations of it: the fuzz test of a build
// without libFuzzer. Usage: <target>_replay CORPUS_FOLDER MUTATIONS, or <target>_replay FILE for one input
// alone.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "reckon/base/philox.h"

namespace reckon::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kStream = 0x66757A7A;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> read_corpus(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());  // the order of a folder is the file system's
  std::vector<std::string> inputs;
  inputs.reserve(paths.size());
  for (const fs::path& path : paths) inputs.push_back(read_file(path));
  return inputs;
}

/// A few random edits: a byte changed, a piece taken out, doubled, or put in from another input.
std::string mutated(std::string text, const std::string& other, RandomStream& random) {
  const auto below = [&](std::size_t bound) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(bound)));
  };
  for (std::size_t edits = 1 + below(5); edits > 0; --edits) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(1 + below(random.below(2) == 0 ? 4 : 60), text.size() - at);
    switch (random.below(5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3: {
        const std::size_t from = below(other.size() + 1);
        text.insert(at, other.substr(from, 1 + below(40)));
        break;
      }
      default:
        text.insert(at, 1, static_cast<char>(random.below(256)));
    }
  }
  return text;
}

void run_input(const std::string& input) {
  // A copy of just its size, so that AddressSanitizer sees a byte read behind it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int replay(const fs::path& folder, std::size_t num_mutations) {
  const std::vector<std::string> corpus = read_corpus(folder);
  if (corpus.size() < 20) {
    std::cerr << folder.string() << ": " << corpus.size() << " inputs (need at least 20)\n";
    return 1;
  }
  for (const std::string& input : corpus) run_input(input);
  for (std::size_t i = 0; i < num_mutations; ++i) {
    // A stream of its own for each mutation: number i can be made again alone.
    RandomStream random(1, kStream, static_cast<std::uint32_t>(i));
    const auto any = [&] { return random.below(static_cast<std::uint32_t>(corpus.size())); };
    const std::string& text = corpus[any()];
    run_input(mutated(text, corpus[any()], random));
  }
  std::cout << corpus.size() << " inputs and " << num_mutations << " mutations of them\n";
  return 0;
}

}  // namespace
}  // namespace reckon::fuzz

int main(int argc, char** argv) {
  namespace fuzz = reckon::fuzz;
  if (argc == 2 && std::filesystem::is_regular_file(argv[1])) {
    fuzz::run_input(fuzz::read_file(argv[1]));
    return 0;
  }
  std::size_t num_mutations = 0;
  const std::string_view count = argc == 3 ? argv[2] : "";
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), num_mutations);
  if (count.empty() || error != std::errc() || end != count.data() + count.size()) {
    std::cerr << "usage: " << argv[0] << " CORPUS_FOLDER MUTATIONS | FILE\n";
    return 2;
  }
  return fuzz::replay(argv[1], num_mutations);
}
