#pragma once

namespace CLI {
class App;
}

namespace reckon {

// Each adds its command to the program; the callback runs it and throws Error where it fails.
void add_generate_command(CLI::App& program);
void add_grade_command(CLI::App& program);
void add_inspect_command(CLI::App& program);
/// Hidden: what the program starts itself with to read a log that nobody vouches for.
void add_read_log_command(CLI::App& program);
void add_recipe_command(CLI::App& program);
void add_score_command(CLI::App& program);
void add_selftest_command(CLI::App& program);
void add_task_command(CLI::App& program);
void add_tokenize_command(CLI::App& program);
void add_train_command(CLI::App& program);
void add_verify_command(CLI::App& program);

}  // namespace reckon
