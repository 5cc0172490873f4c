#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <new>

#include "commands.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace {

constexpr int code(reckon::ExitCode exit_code) {
  return static_cast<int>(exit_code);
}

int run(int argc, char** argv) {
  CLI::App program{
      "reckon trains a language model to reason step by step, and can prove every number it reports."};
  program.require_subcommand(1);
  program.set_version_flag("--version", std::string("reckon ") + RECKON_VERSION);
  reckon::add_train_command(program);
  reckon::add_verify_command(program);
  reckon::add_recipe_command(program);
  reckon::add_plan_command(program);
  reckon::add_grade_command(program);
  reckon::add_task_command(program);
  reckon::add_tokenize_command(program);
  reckon::add_score_command(program);
  reckon::add_generate_command(program);
  reckon::add_inspect_command(program);
  reckon::add_read_log_command(program);
  reckon::add_selftest_command(program);
  reckon::add_doctor_command(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes (104-109) mean nothing to a launcher: 0 for --help and --version, else 2.
    return program.exit(error) == 0 ? 0 : code(reckon::ExitCode::usage);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const reckon::Error& error) {
    // A rank whose error another rank tells has nothing to say itself.
    const std::string text = error.what();
    if (error.code() == reckon::ExitCode::stopped && !text.empty()) {
      reckon::log_info(text);
    } else if (!text.empty()) {
      reckon::log_error(text);
    }
    return code(error.code());
  } catch (const std::bad_alloc&) {
    reckon::log_error(reckon::kOutOfMemory);
  } catch (const std::exception& error) {
    reckon::log_error(std::string("internal: ") + error.what());
  }
  return code(reckon::ExitCode::internal);
}
