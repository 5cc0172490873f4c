#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reckon/record/rollout_log.h"

/// libhdf5 writes past its buffers on files made to that end (ecosystem of CVE-2025-2309, -2915, -6750 and
/// more, open in 1.10), so a log that nobody vouches for is read in a process of its own: what goes wrong
/// there ends there, and comes back as an error that names the file.
namespace reckon {

/// A segment of a rollout log, wherever it is read; see RolloutLogReader for what the functions give.
class RolloutLogSource {
 public:
  RolloutLogSource() = default;
  virtual ~RolloutLogSource() = default;
  RolloutLogSource(const RolloutLogSource&) = delete;
  RolloutLogSource& operator=(const RolloutLogSource&) = delete;

  [[nodiscard]] virtual const RolloutLogInfo& info() const = 0;
  [[nodiscard]] virtual std::uint64_t segment() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& reward_term_names() const = 0;
  [[nodiscard]] virtual std::uint64_t num_steps() const = 0;
  [[nodiscard]] virtual std::vector<std::uint64_t> step_numbers() const = 0;
  /// \param index  below num_steps(). \throws Error(bad_data), naming the file
  [[nodiscard]] virtual std::vector<std::uint64_t> group_places(std::uint64_t index) const = 0;
  [[nodiscard]] virtual RolloutStep read(std::uint64_t index) const = 0;
};

/// What the reading process may use.
struct GuardLimits {
  std::int64_t memory_mb = 4096;   ///< MiB of address space, over what the program itself takes (RLIMIT_AS)
  std::int64_t cpu_seconds = 300;  ///< of its processor, for one answer (RLIMIT_CPU)
  double seconds = 600;            ///< on the clock, for one answer
  std::size_t max_answer_bytes = std::size_t{1} << 30;  ///< of the content of one step
};

/// What makes a file ours.
enum class LogTrust {
  listed,   ///< the manifest beside it lists a closed segment of this name, size and SHA-256
  nothing,  ///< for folders that came from elsewhere, with their manifests
};

/// Whether the manifest beside a closed segment lists it with the size and the SHA-256 that it has. Reads the
/// whole file, but never as HDF5.
[[nodiscard]] bool is_listed(const std::filesystem::path& file);

/// Opens a segment: here where it is ours, else in a reading process. The one way to read logs in a command.
/// \throws Error(missing_input) where there is no such file; Error(bad_data), naming the file, where it is
/// damaged, or where the reading process died, ran out of memory or time, or gave no proper answer:
/// "<file>: could not be read: the reading process was killed by signal 11 (Segmentation fault). Is the file
/// damaged or hostile?"; Error(environment) where that process cannot be started.
/// \note The kernel kills the reading process when the thread that opened the log ends.
[[nodiscard]] std::unique_ptr<RolloutLogSource> open_log(const std::filesystem::path& file,
                                                         LogTrust trust = LogTrust::listed,
                                                         const GuardLimits& limits = {});

/// Opens a segment in this process: for a run that reads what it wrote itself. \throws as RolloutLogReader
[[nodiscard]] std::unique_ptr<RolloutLogSource> open_own_log(const std::filesystem::path& file);

/// Opens a segment in a reading process, ours or not. \throws as open_log()
[[nodiscard]] std::unique_ptr<RolloutLogSource> open_guarded_log(const std::filesystem::path& file,
                                                                 const GuardLimits& limits = {});

/// Says once, when the program starts, which command runs serve_log(): the program itself with a hidden
/// command. There is no default: a program without that command would start itself again and again.
void set_reader_program(std::vector<std::string> command);

/// The reading process: answers the requests on standard input, which name the file and the limits, until
/// there are no more. Before it opens the file it limits itself to the memory and processor time it is given,
/// to no file that grows, no core dump, and no second open file: HDF5 can name other files to read from.
/// \throws Error(usage) where it is not asked as open_guarded_log() asks.
void serve_log();

}  // namespace reckon
