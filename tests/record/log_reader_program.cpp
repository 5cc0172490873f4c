// A program that reads a log as `reckon read-log` does, for tests of the parent; it needs no LibTorch. Usage:
// log_reader_program read-log | spin | write | open-two
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <string_view>

#include "reckon/record/guarded_log.h"
#include "record/reader_limits.h"

namespace {

/// Takes its time for ever, as a file may make HDF5 do.
[[noreturn]] void spin() {
  reckon::allow_cpu_seconds(0);
  volatile unsigned turns = 0;
  while (true) turns = turns + 1;
}

/// Writes a file, as code of an attacker in the reading process might. \return the error
int write_file(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT, 0600);
  reckon::limit_reader(64);
  return write(file, "x", 1) == 1 ? 0 : errno;
}

/// Opens a file, and then a second one. \return the error of the second
int open_two(const char* path) {
  reckon::limit_reader(64);
  if (open(path, O_RDONLY) < 0) return -1;
  return open(path, O_RDONLY) < 0 ? errno : 0;
}

int run(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "read-log") {
    reckon::serve_log();
  } else if (mode == "spin") {
    spin();
  } else if (mode == "write" && argc > 2) {
    std::cout << std::strerror(write_file(argv[2]));
  } else if (mode == "open-two" && argc > 2) {
    std::cout << std::strerror(open_two(argv[2]));
  } else {
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
