#pragma once

#include <string>

namespace reckon {

/// What `reckon verify` has looked at: a line each on standard output, as soon as it is known.
class VerifyReport {
 public:
  /// \param what  what was looked at; \param detail  how much of it, or what is wrong
  void pass(const std::string& what, const std::string& detail);
  void fail(const std::string& what, const std::string& detail);
  /// Something worth knowing that is no fault.
  void note(const std::string& what, const std::string& detail);

  [[nodiscard]] int failures() const { return failures_; }

 private:
  void line(const std::string& what, const char* verdict, const std::string& detail);
  int failures_ = 0;
};

}  // namespace reckon
