#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/task/config.h"
#include "support/paths.h"

namespace reckon {

/// Runs tests/task/faulty_program.py in a mode, with a file of its own that counts its starts.
class FaultyProgram : public ::testing::Test {
 protected:
  [[nodiscard]] ProgramConfig program(const std::string& mode, const std::string& change = "{}") const {
    ProgramConfig config;
    config.command = {"python3", (testing::source_dir() / "tests/task/faulty_program.py").string(), mode,
                      starts_file(), change};
    config.start_seconds = 10;
    config.grade_seconds = 10;
    config.memory_mb = 400;
    return config;
  }
  [[nodiscard]] TaskConfig task(const std::string& mode, const std::string& change = "{}") const {
    TaskConfig config;
    config.name = "mine";
    config.kind = TaskKind::command;
    static_cast<ProgramConfig&>(config.source) = program(mode, change);
    return config;
  }
  [[nodiscard]] std::string starts_file() const { return (folder_.path() / "starts").string(); }
  [[nodiscard]] std::size_t num_starts() const { return testing::read_text(starts_file()).size(); }

  /// The message of an Error, without the words of the command; "no error" where there is none.
  template <class Work>
  [[nodiscard]] std::string message_of(const Work& work, ExitCode code = ExitCode::bad_data) const {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      std::string text = error.what();
      const std::size_t begin = text.find("\"python3 ");
      if (begin == std::string::npos) return text;
      std::size_t end = begin + 1;
      while (text[end] != '"' || text[end - 1] == '\\') ++end;
      text.replace(begin, end + 1 - begin, "P");
      return text;
    }
    return "no error";
  }

  testing::TempDir folder_;
};

}  // namespace reckon
