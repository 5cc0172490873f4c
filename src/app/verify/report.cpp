#include "report.h"

#include "app/json_lines.h"

namespace reckon {

void VerifyReport::line(const std::string& what, const char* verdict, const std::string& detail) {
  constexpr std::size_t kWidth = 32;
  std::string text = what;
  if (text.size() < kWidth) text.resize(kWidth, ' ');
  write_line(text + "  " + verdict + "  " + detail);
  flush_output();
}

void VerifyReport::pass(const std::string& what, const std::string& detail) {
  line(what, "ok  ", detail);
}

void VerifyReport::fail(const std::string& what, const std::string& detail) {
  ++failures_;
  line(what, "FAIL", detail);
}

void VerifyReport::note(const std::string& what, const std::string& detail) {
  line(what, "note", detail);
}

}  // namespace reckon
