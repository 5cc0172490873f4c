#include "reckon/base/error.h"

#include <system_error>

namespace reckon {

Error system_error(ExitCode code, const std::string& message, int error_number) {
  return Error(code, message + ": " + std::generic_category().message(error_number));
}

}  // namespace reckon
