// Speed of the tokenizer with the vocabulary of Qwen2.5: loading, texts of several kinds, and texts made to
// be slow. Needs shared/data beside the source tree. With --write=FOLDER it only writes the texts there, for
// tests/bench/tokenizers_speed.py to measure the Python package on the same ones.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "reckon/base/philox.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

fs::path data_folder() {
  return fs::path(RECKON_SOURCE_DIR).parent_path() / "shared" / "data";
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Pieces one after another, up to a size.
std::string joined(std::size_t size, const std::function<std::string()>& next) {
  std::string text;
  for (;;) {
    const std::string piece = next();
    if (text.size() + piece.size() > size) return text;
    text += piece;
  }
}

std::string repeated(std::size_t size, const std::string& piece) {
  return joined(size, [&] { return piece; });
}

std::string english(std::size_t size) {
  std::ifstream in(data_folder() / "gsm8k" / "test.jsonl");
  std::string line;
  return joined(size, [&]() -> std::string {
    if (!std::getline(in, line)) {
      in.clear();
      in.seekg(0);
      std::getline(in, line);
    }
    return nlohmann::json::parse(line)["question"].get<std::string>() + "\n";
  });
}

std::string code(std::size_t size) {
  RandomStream random(1, 1);
  const std::string names[] = {"index", "token_ids", "numLayers", "kMaxDepth",
                               "x0",    "buffer",    "self",      "config"};
  const auto name = [&] { return names[random.below(8)]; };
  return joined(size, [&] {
    switch (random.below(4)) {
      case 0:
        return "    for (int i = 0; i < " + name() + ".size(); ++i) {\n";
      case 1:
        return "        " + name() + "[" + std::to_string(random.below(1000)) + "] += " + name() +
               " * 0.5;\n";
      case 2:
        return "    }  // " + name() + "\n\n";
      default:
        return "\tif (" + name() + " != nullptr && !" + name() + "->empty()) return \"" + name() + "\";\n";
    }
  });
}

std::string random_characters(std::size_t size, char32_t first, char32_t last) {
  RandomStream random(2, 1);
  return joined(size, [&] {
    std::string text;
    append_utf8(text, first + random.below(static_cast<std::uint32_t>(last - first + 1)));
    return text;
  });
}

std::string random_bytes(std::size_t size) {
  RandomStream random(3, 1);
  std::string bytes;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(random.below(256)));
  return bytes;
}

using Maker = std::function<std::string(std::size_t)>;

const std::map<std::string, Maker>& texts() {
  static const std::map<std::string, Maker> kTexts = {
      {"english", english},
      {"code", code},
      {"chinese", [](std::size_t size) { return random_characters(size, 0x4E00, 0x9FA5); }},
      {"one_letter", [](std::size_t size) { return repeated(size, "a"); }},
      {"no_blanks", [](std::size_t size) { return random_characters(size, 'a', 'z'); }},
      {"emoji", [](std::size_t size) { return random_characters(size, 0x1F600, 0x1F64F); }},
      {"random_bytes", random_bytes},
      {"newlines", [](std::size_t size) { return repeated(size, "\n"); }},
      {"blanks", [](std::size_t size) { return repeated(size, " "); }},
      {"digits", [](std::size_t size) { return random_characters(size, '0', '9'); }},
      {"marks", [](std::size_t size) { return random_characters(size, 0x300, 0x36F); }},
      {"token_prefixes", [](std::size_t size) { return repeated(size, "<|im_"); }},
  };
  return kTexts;
}

const std::string& qwen_json() {
  static const std::string kJson = read_file(data_folder() / "tokenizers" / "qwen2.5" / "tokenizer.json");
  return kJson;
}

void load(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::from_json(qwen_json(), "qwen2.5", ""));
}

void encode(benchmark::State& state, const std::string& text) {
  static const Tokenizer kTokenizer = Tokenizer::from_json(qwen_json(), "qwen2.5", "");
  for (auto _ : state) benchmark::DoNotOptimize(kTokenizer.encode(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          static_cast<std::int64_t>(state.iterations()));
}

void decode(benchmark::State& state, const std::string& text) {
  const Tokenizer tokenizer = Tokenizer::from_json(qwen_json(), "qwen2.5", "");
  const auto ids = tokenizer.encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          static_cast<std::int64_t>(state.iterations()));
}

int run(int argc, char** argv) {
  const std::string write = "--write=";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with(write)) continue;
    for (const auto& [name, maker] : texts()) {
      std::ofstream(fs::path(argument.substr(write.size())) / (name + ".txt"), std::ios::binary)
          << maker(kMegabyte);
    }
    return 0;
  }
  benchmark::RegisterBenchmark("load", load)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("decode/english/1024KiB", decode, english(kMegabyte))
      ->Unit(benchmark::kMillisecond);
  for (const auto& [name, maker] : texts()) {
    for (const std::size_t size : {kMegabyte / 4, kMegabyte / 2, kMegabyte}) {
      const std::string label = "encode/" + name + "/" + std::to_string(size / 1024) + "KiB";
      benchmark::RegisterBenchmark(label.c_str(), encode, maker(size))->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  if (!std::filesystem::exists(reckon::data_folder() / "tokenizers")) {
    std::cerr << "tokenizer_bench: " << reckon::data_folder().string()
              << " is not there (need the shared data)\n";
    return 66;
  }
  return reckon::run(argc, argv);
}
