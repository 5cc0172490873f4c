// Seconds of a whole GRPO step on random weights, generated tokens a second, memory, and the share of the
// machine's rate of matrix products that is reached. Alone or under mpirun; scripts/bench_cpu.sh holds it
// against other programs.
#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/machine.h"
#include "app/train/together.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "step_work.h"

namespace reckon::bench {
namespace {

using nlohmann::ordered_json;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double best(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

/// Largest memory of this process so far, summed over the ranks. Pages that they share count for each.
double peak_rss_mib(Communicator& world) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  double mib = static_cast<double>(usage.ru_maxrss) / 1024;
  world.sum({&mib, 1});
  return mib;
}

/// Steps behind the one that warms up, as columns.
struct Measured {
  std::vector<double> total, generate, update;
  double rows = 0;
};

Measured measure(StepWork& work, const WorkOptions& options) {
  Measured measured;
  for (std::int64_t step = 0; step <= options.steps; ++step) {
    const StepTimes times = work.run(step);
    if (step == 0) continue;
    measured.total.push_back(times.total);
    measured.generate.push_back(times.generate);
    measured.update.push_back(times.update);
    measured.rows = times.rows;
  }
  return measured;
}

/// 2P FLOP a token forward, 6P forward and backward; P is all parameters, the tied head counted once.
ordered_json numbers(const WorkOptions& options, Communicator& world, const Measured& measured,
                     double parameters, double rate) {
  const auto generated = static_cast<double>(options.prompts * options.group * options.new_tokens);
  const auto prefilled = static_cast<double>(options.prompts * options.prompt_tokens);
  const double generate_flop = 2 * parameters * (generated + prefilled);
  const double update_flop = 6 * parameters * measured.rows;
  ordered_json row = {{"system", options.kv_dtype == KvDtype::automatic
                                     ? "reckon"
                                     : "reckon, keys in " + std::string(enum_name(options.kv_dtype))},
                      {"shape", options.shape},
                      {"dtype", enum_name(options.dtype)},
                      {"version", "reckon, ranks: " + std::to_string(world.size())},
                      {"ranks", world.size()}};
  if (!options.generate_only) {
    row["step_s"] = best(measured.total);
    row["step_s_median"] = median(measured.total);
    row["update_s"] = best(measured.update);
  }
  row["generate_s"] = best(measured.generate);
  row["generate_tokens_per_s"] = generated / best(measured.generate);
  row["generate_tokens_per_s_median"] = generated / median(measured.generate);
  row["peak_rss_mib"] = peak_rss_mib(world);
  row["brgemm_gflops"] = rate / 1e9;
  row["generate_share"] = generate_flop / best(measured.generate) / rate;
  if (!options.generate_only) {
    row["update_share"] = update_flop / best(measured.update) / rate;
    row["step_share"] = (generate_flop + update_flop) / best(measured.total) / rate;
  }
  return row;
}

void print_text(const ordered_json& row) {
  for (const auto& [name, value] : row.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    std::printf("%-30s %s\n", name.c_str(), text.c_str());
  }
}

void run(const WorkOptions& options, bool json) {
  check_machine();
  at::set_num_threads(1);  // ranks, not threads
  MpiSession session(nullptr, nullptr);
  Communicator& world = session.world();
  run_together(world, [&] { check_options(options, world.size()); });
  try {
    // At both ends: a machine that others use as well is measured at its better moment.
    double rate = brgemm_rate(world, options.dtype);
    StepWork work(options, world);
    const Measured measured = measure(work, options);
    rate = std::max(rate, brgemm_rate(world, options.dtype));
    const ordered_json row = numbers(options, world, measured, work.num_parameters(), rate);
    if (world.rank() != 0) return;
    if (json) {
      std::printf("%s\n", row.dump().c_str());
    } else {
      print_text(row);
    }
  } catch (const std::exception& error) {
    if (world.size() == 1) throw;
    log_error(error.what());
    world.abort(static_cast<int>(ExitCode::internal));
  }
}

int parse_and_run(int argc, char** argv) {
  CLI::App program{"Measures GRPO steps on random weights. Start it alone or with mpirun, one rank a core."};
  WorkOptions options;
  bool json = false;
  program.add_option("--shape", options.shape, "small or qwen2.5-0.5b")->capture_default_str();
  const std::map<std::string, ComputeDtype> dtypes{{"float32", ComputeDtype::float32},
                                                   {"bfloat16", ComputeDtype::bfloat16}};
  program.add_option("--dtype", options.dtype, "float32 or bfloat16")
      ->transform(CLI::CheckedTransformer(dtypes).description("float32|bfloat16"))
      ->default_str("float32");
  const std::map<std::string, KvDtype> kv_dtypes{
      {"auto", KvDtype::automatic}, {"float32", KvDtype::float32}, {"bfloat16", KvDtype::bfloat16}};
  program.add_option("--kv-dtype", options.kv_dtype, "of keys and values; auto is that of --dtype")
      ->transform(CLI::CheckedTransformer(kv_dtypes).description("auto|float32|bfloat16"))
      ->default_str("auto");
  const auto count = [&](const char* name, std::int64_t& value, const char* text) {
    program.add_option(name, value, text)->check(CLI::Range(1, 1 << 20))->capture_default_str();
  };
  count("--prompts", options.prompts, "prompts of a step, over all ranks");
  count("--group", options.group, "completions of a prompt; at least 2 to train");
  count("--prompt-tokens", options.prompt_tokens, "tokens of a prompt");
  count("--new-tokens", options.new_tokens, "tokens of a completion");
  count("--steps", options.steps, "steps that are measured, behind one to warm up");
  count("--max-batch", options.max_batch, "sequences decoded together on a rank");
  program.add_flag("--generate-only", options.generate_only, "no updates");
  program.add_flag("--json", json, "one JSON object on one line");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  run(options, json);
  return 0;
}

}  // namespace
}  // namespace reckon::bench

int main(int argc, char** argv) {
  try {
    return reckon::bench::parse_and_run(argc, argv);
  } catch (const reckon::Error& error) {
    const std::string text = error.what();  // empty where another rank says it
    if (!text.empty()) reckon::log_error(text);
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    reckon::log_error(std::string("internal: ") + error.what());
  }
  return static_cast<int>(reckon::ExitCode::internal);
}
