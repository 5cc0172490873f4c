#pragma once

namespace CLI {
class App;
}

namespace reckon {

/// What the program says where it gets no more memory (exit code 70).
inline constexpr const char* kOutOfMemory =
    "out of memory: the machine, its cgroup or ulimit gives no more (need less: a smaller model, "
    "tokens_per_step, leaf_sequences, max_batch or kv_budget_mib)";

// Each adds its command to the program; the callback runs it and throws Error where it fails.
void add_doctor_command(CLI::App& program);
void add_generate_command(CLI::App& program);
void add_grade_command(CLI::App& program);
void add_inspect_command(CLI::App& program);
void add_plan_command(CLI::App& program);
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
