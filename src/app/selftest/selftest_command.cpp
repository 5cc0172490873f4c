// `reckon selftest`: whether this machine, this file system and this launch keep what reckon promises.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/json_lines.h"
#include "app/machine.h"
#include "app/train/together.h"
#include "checks.h"
#include "helper.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/base/stop_signal.h"
#include "reckon/grade/certifier.h"
#include "reckon/ops/isa.h"
#include "report.h"

namespace reckon {
namespace fs = std::filesystem;
namespace selftest {
namespace {

using nlohmann::json;

struct Arguments {
  std::string folder;
  std::vector<std::string> only;  ///< names; empty: all
  bool json_lines = false;
  bool is_helper = false;
};

/// \param where  names what says it, in messages
void check_name(const std::string& where, const std::string& property) {
  const auto is_it = [&](const Check& check) { return check.name == property; };
  if (std::any_of(kChecks.begin(), kChecks.end(), is_it)) return;
  std::string names;
  for (const Check& check : kChecks) names += (names.empty() ? "" : ", ") + std::string(check.name);
  throw Error(ExitCode::usage,
              where + ": no property " + in_quotes(property) + " (need one of " + names + ")");
}

void check_names(const Arguments& arguments) {
  for (const std::string& property : arguments.only) check_name("--only", property);
  // A name that no check has would break nothing, and look as if that had not been noticed.
  const std::string broken = breakage().property;
  if (!broken.empty()) check_name("RECKON_SELFTEST_BREAK", broken);
}

void check_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  throw Error(ExitCode::missing_input,
              "--folder: " + in_quotes(folder.string()) + " is no folder (need one that is there)");
}

Outcome outcome_on_this_rank(const Check& check, SelfTest& test) {
  try {
    Comparison comparison(check.name);
    std::string compared = check.run(test, comparison);
    return comparison.outcome(std::move(compared));
  } catch (const std::exception& error) {
    if (check.ranks == Ranks::each || test.world.size() == 1) return failed(error.what());
    // The other ranks wait in collective calls and cannot be told.
    log_error(std::string(check.name) + ": " + error.what());
    test.world.abort(static_cast<int>(ExitCode::internal));
    throw;  // never: abort() does not return
  }
}

/// What the ranks' outcomes come to: rank 0's, or that of the first rank on which it failed.
Outcome outcome_of_all(Communicator& world, const Outcome& mine) {
  const json object = {
      {"result", static_cast<int>(mine.result)}, {"compared", mine.compared}, {"detail", mine.detail}};
  Outcome all;
  const auto texts = world.all_gather(object.dump(-1, ' ', false, json::error_handler_t::replace));
  for (std::size_t rank = 0; rank < texts.size(); ++rank) {
    const json one = json::parse(texts[rank]);
    if (rank == 0) {
      all = {static_cast<Result>(one.at("result").get<int>()), one.at("compared"), one.at("detail")};
    }
    if (one.at("result").get<int>() != static_cast<int>(Result::fail)) continue;
    const std::string on = texts.size() == 1 ? "" : "rank " + std::to_string(rank) + ": ";
    all.result = Result::fail;
    all.detail = on + one.at("detail").get<std::string>();
    break;
  }
  return all;
}

Row run_check(const Check& check, SelfTest& test) {
  if (check.ranks == Ranks::several && test.world.size() == 1) {
    return {std::string(check.name), skipped("needs mpirun -n 2"), 0};
  }
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = outcome_of_all(test.world, outcome_on_this_rank(check, test));
  return {std::string(check.name), outcome,
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

void stop_if_asked(Communicator& world) {
  double signal = stop_signal();
  world.maximum({&signal, 1});
  if (signal == 0) return;
  throw Error(ExitCode::stopped, world.rank() == 0 ? std::string("selftest: stopped (") +
                                                         strsignal(static_cast<int>(signal)) + ")"
                                                   : "");
}

std::vector<Row> run_checks(SelfTest& test, const Arguments& arguments) {
  const bool is_root = test.world.rank() == 0;
  const auto show = [&](const std::string& line) {
    if (!is_root) return;
    write_line(line);
    flush_output();
  };
  if (!arguments.json_lines) show(table_head());
  std::vector<Row> rows;
  for (const Check& check : kChecks) {
    const auto& only = arguments.only;
    if (!only.empty() && std::find(only.begin(), only.end(), check.name) == only.end()) continue;
    stop_if_asked(test.world);
    rows.push_back(run_check(check, test));
    show(arguments.json_lines ? row_json(rows.back()) : table_line(rows.back()));
  }
  if (!arguments.json_lines) show(table_foot(rows));
  return rows;
}

std::string default_folder() {
  std::error_code ignored;
  return fs::is_directory("runs", ignored) ? "runs" : ".";
}

/// The whole table. Collective. Nothing is left in the folder, whatever happens.
std::vector<Row> run_in_folder(Communicator& world, const Arguments& arguments, const fs::path& folder) {
  const Scratch scratch(world, folder);
  const auto alone = make_serial_communicator();
  SelfTest test{world, *alone, scratch};
  std::vector<Row> rows = run_checks(test, arguments);
  world.barrier();  // nobody removes what another still reads
  return rows;
}

/// \throws Error on all ranks alike
std::vector<Row> run_on_ranks(Communicator& world, const Arguments& arguments) {
  const fs::path folder = arguments.folder.empty() ? default_folder() : arguments.folder;
  run_together(world, [&] {
    check_machine();
    check_names(arguments);
    if (world.rank() != 0) return;
    check_folder(folder);
    if (arguments.json_lines) return;
    write_line("reckon selftest: " + std::to_string(world.size()) +
               (world.size() == 1 ? " rank, " : " ranks, ") + std::string(active_isa()) + ", folder " +
               folder.string() + "\n");
  });
  try {
    return run_in_folder(world, arguments, folder);
  } catch (const Error& error) {
    if (error.code() == ExitCode::stopped || world.size() == 1) throw;
    log_error(error.what());  // the other ranks wait in collective calls and cannot be told
    world.abort(static_cast<int>(error.code()));
    throw;  // never: abort() does not return
  }
}

void run(const Arguments& arguments) {
  start_certifiers(1);  // a copy of this process, made while it has no threads and no MPI
  install_stop_signals();
  at::set_num_threads(1);
  MpiSession session(nullptr, nullptr);
  Communicator& world = session.world();
  if (world.size() > 1) {
    set_log_label("rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()));
  }
  const std::string names = failed_properties(run_on_ranks(world, arguments));
  if (names.empty()) return;
  throw Error(ExitCode::internal, world.rank() == 0 ? "selftest: failed: " + names : "");
}

}  // namespace
}  // namespace selftest

void add_selftest_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "selftest",
      "Check on this machine what reckon promises, property by property; with mpirun -n 2 what needs "
      "ranks as well");
  const auto arguments = std::make_shared<selftest::Arguments>();
  command->add_option(
      "--folder", arguments->folder,
      "folder whose file system is tested: where runs will be written; runs, or where that is "
      "not there the current folder");
  command->add_option("--only", arguments->only, "name of a property: check this one alone; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--json", arguments->json_lines, "one JSON object a property");
  command->add_flag(selftest::kHelperOption, arguments->is_helper)->group("");  // hidden
  command->callback([arguments] {
    if (arguments->is_helper) {
      selftest::answer_requests();
    } else {
      selftest::run(*arguments);
    }
  });
}

}  // namespace reckon
