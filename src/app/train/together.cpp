#include <exception>
#include <new>
#include <string>

#include "app/commands.h"
#include "reckon/base/error.h"
#include "together.h"

namespace reckon {

void run_together(Communicator& world, const std::function<void()>& work) {
  std::string failure;  // one byte of exit code, then the message
  try {
    work();
  } catch (const Error& error) {
    failure = std::string(1, static_cast<char>(error.code())) + error.what();
  } catch (const std::bad_alloc&) {
    failure = std::string(1, static_cast<char>(ExitCode::internal)) + kOutOfMemory;
  } catch (const std::exception& error) {
    failure = std::string(1, static_cast<char>(ExitCode::internal)) + error.what();
  }
  const std::vector<std::string> failures = world.all_gather(failure);
  for (std::size_t rank = 0; rank < failures.size(); ++rank) {
    if (failures[rank].empty()) continue;
    const auto code = static_cast<ExitCode>(static_cast<unsigned char>(failures[rank].front()));
    throw AgreedError(code, static_cast<int>(rank) == world.rank() ? failures[rank].substr(1) : "");
  }
}

}  // namespace reckon
