// `reckon doctor`: whether these hosts are fit for a long run, and what to do where they are not.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "app/commands.h"
#include "app/json_lines.h"
#include "app/machine.h"
#include "app/train/together.h"
#include "checks.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/log.h"
#include "report.h"

namespace reckon {
namespace fs = std::filesystem;
namespace doctor {
namespace {

struct Arguments {
  std::string out;
  double timeout_s = 30;
  bool json_lines = false;
};

void check_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  throw Error(ExitCode::missing_input, "--out: " + in_quotes(folder.string()) +
                                           " is no folder (need the one that runs will be written into)");
}

Row run_check(const Check& check, Examination& examination) {
  const auto start = std::chrono::steady_clock::now();
  examination.world.set_activity("doctor: " + std::string(check.name));
  Finding finding = check.run(examination);
  examination.world.barrier();  // nobody is ahead: it would be a load for those who measure
  return {std::string(check.name), std::move(finding),
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

std::vector<Row> run_checks(Examination& examination, const Arguments& arguments) {
  const auto show = [&](const std::string& line) {
    if (examination.world.rank() != 0) return;
    write_line(line);
    flush_output();
  };
  if (!arguments.json_lines) show(table_head());
  std::vector<Row> rows;
  for (const Check& check : kChecks) {
    rows.push_back(run_check(check, examination));
    show(arguments.json_lines ? row_json(rows.back()) : table_line(rows.back()));
  }
  if (!arguments.json_lines) show(table_foot(rows));
  return rows;
}

std::vector<Row> examine(Communicator& world, const Arguments& arguments) {
  std::error_code ignored;
  const fs::path folder = !arguments.out.empty() ? fs::path(arguments.out)
                                                 : fs::path(fs::is_directory("runs", ignored) ? "runs" : ".");
  run_together(world, [&] {
    check_machine();
    if (world.rank() == 0) check_folder(folder);
  });
  const selftest::Scratch scratch(world, folder);
  Examination examination{world, folder, scratch, {}, arguments.timeout_s};
  examination.facts = facts_of_all(world);
  std::vector<Row> rows = run_checks(examination, arguments);
  world.barrier();  // nobody removes what another still reads
  return rows;
}

void run(const Arguments& arguments) {
  reckon::check_limits();
  at::set_num_threads(1);
  MpiSession session(nullptr, nullptr);
  Communicator& world = session.world();
  set_failpoint_rank(world.rank());
  world.set_timeout(arguments.timeout_s);
  if (world.size() > 1) {
    set_log_label("rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) + " " +
                  host_name());
  }
  std::vector<Row> rows;
  try {
    rows = examine(world, arguments);
  } catch (const AgreedError&) {
    throw;
  } catch (const std::exception& error) {
    if (world.size() == 1) throw;
    log_error(std::string("doctor: ") + error.what());  // others wait in collective calls and cannot be told
    world.abort(static_cast<int>(ExitCode::environment));
  }
  const std::string failed = failed_checks(rows);
  if (!world.all_gather(failed).front().empty())
    throw AgreedError(ExitCode::environment, world.rank() == 0 ? "doctor: failed: " + failed : "");
}

}  // namespace
}  // namespace doctor

void add_doctor_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("doctor",
                                             "Look at hosts, network, libraries, GPUs and disk before a long "
                                             "run; start it with the same mpirun or srun");
  const auto arguments = std::make_shared<doctor::Arguments>();
  command->add_option(
      "--out", arguments->out,
      "folder that runs will be written into; runs, or where that is not there the current folder");
  command->add_option("--timeout-s", arguments->timeout_s, "longest wait for another rank, in seconds")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->add_flag("--json", arguments->json_lines, "one JSON object a check");
  command->callback([arguments] { doctor::run(*arguments); });
}

}  // namespace reckon
