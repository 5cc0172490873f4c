#include <CLI/CLI.hpp>
#include <string>

#include "commands.h"
#include "reckon/record/guarded_log.h"

namespace reckon {

void add_read_log_command(CLI::App& program) {
  const std::string name = "read-log";
  CLI::App* command = program.add_subcommand(name, "read a rollout log for another process of reckon");
  command->group("");  // in no group, so in no help
  command->callback([] { serve_log(); });
  // The very file that runs, even where another has taken its name since.
  set_reader_program({"/proc/self/exe", name});
}

}  // namespace reckon
