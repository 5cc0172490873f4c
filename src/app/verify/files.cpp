#include "files.h"
namespace reckon {
void verify_files(const std::filesystem::path&, VerifyReport&) {}
}  // namespace reckon
