// What the kernels, the model and the learner reach on a GPU, beside what the device reaches with a plain
// copy and a plain product. docs/benchmarks.md says how to read the table. In a CPU build it runs on the
// emulator, with --tiny.
#include "gpu_bench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>

#include "gpu_bench_models.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace reckon::bench {
namespace {

using nlohmann::ordered_json;

struct Options {
  bool tiny = false;
  bool json = false;
  bool each = false;                ///< with json: a line after each row, too
  std::vector<std::string> parts;   ///< empty: all
  std::vector<std::string> models;  ///< empty: all
  double seconds = 0;               ///< no part begins after so many; 0: without a limit
};

struct Part {
  std::string name;
  std::function<void(Bench&, const std::vector<std::string>& models)> run;
};

/// In the order in which they are wanted where time is short.
const std::vector<Part>& all_parts() {
  static const std::vector<Part> parts = {
      {"loss", [](Bench& bench, const auto&) { bench_loss(bench); }},
      {"agreement", [](Bench& bench, const auto&) { bench_agreement(bench); }},
      {"fused", [](Bench& bench, const auto&) { bench_fused(bench); }},
      {"adamw", [](Bench& bench, const auto&) { bench_adamw(bench); }},
      {"elementwise", [](Bench& bench, const auto&) { bench_elementwise(bench); }},
      {"learner", [](Bench& bench, const auto& models) { bench_learner(bench, models); }},
      {"exact", [](Bench& bench, const auto&) { bench_exact(bench); }},
      {"decode", [](Bench& bench, const auto& models) { bench_decode(bench, models); }},
  };
  return parts;
}

std::string part_names() {
  std::string names;
  for (const Part& part : all_parts()) names += (names.empty() ? "" : ", ") + part.name;
  return names;
}

bool is_wanted(const Options& options, const std::string& name) {
  return options.parts.empty() ||
         std::find(options.parts.begin(), options.parts.end(), name) != options.parts.end();
}

void check_options(Options& options) {
  for (const std::string& name : options.parts) {
    const auto is_named = [&](const Part& part) { return part.name == name; };
    if (std::none_of(all_parts().begin(), all_parts().end(), is_named))
      throw Error(ExitCode::usage, "--part \"" + name + "\" (need one of: " + part_names() + ")");
  }
  if (options.models.empty())
    options.models =
        options.tiny ? std::vector<std::string>{"tiny"} : std::vector<std::string>{"0.5b", "1.5b", "7b"};
  for (const std::string& model : options.models) (void)model_config(model);
  if (cuda::is_emulated() && !options.tiny)
    throw Error(ExitCode::usage, "this build has the emulator and no GPU (need --tiny, or the preset cuda)");
  if (cuda::device_count() == 0) throw Error(ExitCode::environment, "CUDA: no GPU that a driver answers for");
}

/// A run of some parts, and what came of it so far.
class Run {
 public:
  explicit Run(const Options& options) : options_(options), bench_(options.tiny) {
    if (options.json && options.each) bench_.on_row([this] { print_json(); });
  }

  void run() {
    timed("ceilings", [this] { bench_.measure_ceilings(); });
    for (const Part& part : all_parts()) {
      if (!is_wanted(options_, part.name)) continue;
      if (options_.seconds > 0 && seconds_now() - start_ > options_.seconds) {
        not_run_.push_back(part.name);
        continue;
      }
      std::fprintf(stderr, "gpu_bench: %s\n", part.name.c_str());
      timed(part.name, [&] { part.run(bench_, options_.models); });
    }
  }

  [[nodiscard]] bool is_good() const { return errors_.empty(); }
  [[nodiscard]] ordered_json result() const {
    const cuda::DeviceInfo& device = cuda::device_info();
    return {{"device", device.name},
            {"compute_capability", device.compute_capability},
            {"multiprocessors", device.multiprocessors},
            {"emulated", cuda::is_emulated()},
            {"tiny", options_.tiny},
            {"copy_tb_per_s", bench_.ceilings().copy_bytes_per_s / 1e12},
            {"gemm_tflop_per_s", bench_.ceilings().gemm_flop_per_s / 1e12},
            {"rows", bench_.rows()},
            {"seconds", seconds_},
            {"errors", errors_},
            {"not_run", not_run_}};
  }
  void print_json() const {
    std::printf("%s\n", result().dump().c_str());
    std::fflush(stdout);
  }

 private:
  void timed(const std::string& name, const std::function<void()>& work) {
    const double begin = seconds_now();
    try {
      bench_.start_part(name);
      work();
    } catch (const std::exception& error) {
      errors_.push_back({{"part", name}, {"error", error.what()}});
    }
    seconds_[name] = seconds_now() - begin;
  }

  Options options_;
  Bench bench_;
  double start_ = seconds_now();
  ordered_json seconds_ = ordered_json::object(), errors_ = ordered_json::array(),
               not_run_ = ordered_json::array();
};

std::string text_of(const ordered_json& row, const char* name, const char* format) {
  if (!row.contains(name)) return "";
  char text[32];
  std::snprintf(text, sizeof text, format, row[name].get<double>());
  return text;
}

void print_text(const ordered_json& result) {
  std::printf("%s: copy %.3f TB/s, bf16 product %.1f TFLOP/s\n", result["device"].get<std::string>().c_str(),
              result["copy_tb_per_s"].get<double>(), result["gemm_tflop_per_s"].get<double>());
  std::printf("%-42s %-28s %10s %8s %8s %9s %8s\n", "", "", "ms", "TB/s", "of copy", "TFLOP/s", "of gemm");
  for (const ordered_json& row : result["rows"]) {
    std::printf("%-42s %-28s %10s %8s %8s %9s %8s", row["name"].get<std::string>().c_str(),
                row["shape"].get<std::string>().c_str(), text_of(row, "ms", "%.3f").c_str(),
                text_of(row, "tb_per_s", "%.3f").c_str(), text_of(row, "share_of_copy", "%.3f").c_str(),
                text_of(row, "tflop_per_s", "%.1f").c_str(), text_of(row, "share_of_gemm", "%.3f").c_str());
    static const std::vector<std::string> shown = {
        "part",  "name",     "shape",         "ms",   "fastest_ms",  "repeats",
        "bytes", "tb_per_s", "share_of_copy", "flop", "tflop_per_s", "share_of_gemm"};
    for (const auto& [name, value] : row.items()) {
      if (std::find(shown.begin(), shown.end(), name) == shown.end())
        std::printf(" %s=%s", name.c_str(), value.dump().c_str());
    }
    std::printf("\n");
  }
  for (const ordered_json& error : result["errors"])
    std::printf("FAILED %s: %s\n", error["part"].get<std::string>().c_str(),
                error["error"].get<std::string>().c_str());
  for (const ordered_json& name : result["not_run"])
    std::printf("not run: %s\n", name.get<std::string>().c_str());
}

int parse_and_run(int argc, char** argv) {
  CLI::App program{"Measures the kernels, the sampler and the learner on a GPU, on random weights."};
  Options options;
  program.add_option("--part", options.parts, "only these of: " + part_names())->delimiter(',');
  program.add_option("--model", options.models, "only these of: 0.5b, 1.5b, 7b (decode, learner)")
      ->delimiter(',');
  program.add_option("--seconds", options.seconds, "no part begins after so many; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  program.add_flag("--tiny", options.tiny, "sizes for the emulator: a test of this program");
  program.add_flag("--json", options.json, "one JSON object on one line");
  program.add_flag("--each", options.each,
                   "with --json: a line after each row, too; the last has everything");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  check_options(options);
  Run run(options);
  run.run();
  if (options.json) {
    run.print_json();
  } else {
    print_text(run.result());
  }
  return run.is_good() ? 0 : static_cast<int>(ExitCode::internal);
}

}  // namespace
}  // namespace reckon::bench

int main(int argc, char** argv) {
  try {
    return reckon::bench::parse_and_run(argc, argv);
  } catch (const reckon::Error& error) {
    reckon::log_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    reckon::log_error(std::string("internal: ") + error.what());
  }
  return static_cast<int>(reckon::ExitCode::internal);
}
