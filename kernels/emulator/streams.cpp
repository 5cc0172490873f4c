// Streams and device memory of the emulator: what goes wrong on a GPU because host and device run side by
// side goes wrong here, too.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <map>
#include <new>
#include <stdexcept>

#include "emulator/emulator.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace reckon::emulator {
namespace {

struct Device {
  std::map<Stream, std::vector<Work>> waiting;  // put on a stream, not done yet
  bool default_is_busy = false;                 // its work is done at once, but nobody has waited for it
  std::exception_ptr failure;                   // of work that was done where nothing can be thrown
  std::vector<Work>* recording = nullptr;
  Stream recorded_stream = nullptr;
  std::map<std::byte*, std::size_t> memory;  // allocated
  int num_accesses = 0;
};

Device& device() {
  static Device one;
  return one;
}

#ifdef __SANITIZE_ADDRESS__

std::byte* take_memory(std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, bytes) != 0) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}
void open_memory(std::byte* memory, std::size_t bytes, bool opens) {
  if (opens) {
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  } else {
    ASAN_POISON_MEMORY_REGION(memory, bytes);
  }
}
void give_memory(std::byte* memory, std::size_t bytes) {
  open_memory(memory, bytes, true);
  std::free(memory);
}

#else

constexpr std::size_t kAddresses = std::size_t{1} << 40;  // no address is used twice
constexpr std::size_t kPage = 4096;
std::byte* first_address = nullptr;

void explain_fault(int signal, siginfo_t* info, void*) {
  const auto* address = static_cast<const std::byte*>(info->si_addr);
  constexpr char kText[] =
      "emulator: the host touched device memory, or a kernel touched memory that was released or is behind "
      "an "
      "array\n";
  if (address >= first_address && address < first_address + kAddresses) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, kText, sizeof kText - 1);
  }
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  sigaction(signal, &usual, nullptr);  // the access is tried again, and ends the program
}

std::size_t pages_of(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

/// Ends where its last page ends, but for alignment. The next page belongs to nobody.
std::byte* take_memory(std::size_t bytes) {
  static std::size_t used = 0;
  if (first_address == nullptr) {
    void* memory = mmap(nullptr, kAddresses, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    first_address = static_cast<std::byte*>(memory);
    struct sigaction action = {};
    action.sa_sigaction = explain_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
  }
  const std::size_t end = used + pages_of(bytes);
  if (end + kPage > kAddresses) throw std::bad_alloc();
  used = end + kPage;
  return first_address + end - (bytes + 255) / 256 * 256;
}
void open_memory(std::byte* memory, std::size_t bytes, bool opens) {
  std::byte* first = first_address + static_cast<std::size_t>(memory - first_address) / kPage * kPage;
  if (mprotect(first, pages_of(static_cast<std::size_t>(memory + bytes - first)),
               opens ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
    throw std::bad_alloc();
}
/// It is closed, and nobody opens it again.
void give_memory(std::byte* memory, std::size_t bytes) {
  std::byte* first = first_address + static_cast<std::size_t>(memory - first_address) / kPage * kPage;
  (void)madvise(first, pages_of(static_cast<std::size_t>(memory + bytes - first)), MADV_DONTNEED);
}

#endif

/// While it lives, code may read and write device memory: that of kernels and copies.
class Access {
 public:
  Access() {
    if (device().num_accesses++ == 0) open_all(true);
  }
  ~Access() {
    if (--device().num_accesses == 0) open_all(false);
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

 private:
  static void open_all(bool opens) {
    for (const auto& [memory, bytes] : device().memory) open_memory(memory, bytes, opens);
  }
};

void do_waiting(Stream stream) {
  Device& d = device();
  if (stream == nullptr) d.default_is_busy = false;
  const auto found = d.waiting.find(stream);
  if (found == d.waiting.end()) return;
  const std::vector<Work> work = std::move(found->second);  // what follows a failure is dropped
  d.waiting.erase(found);
  const Access access;
  for (const Work& each : work) each();
}

/// As cudaFree() does.
void wait_for_all() noexcept {
  Device& d = device();
  try {
    do_waiting(nullptr);
    while (!d.waiting.empty()) do_waiting(d.waiting.begin()->first);
  } catch (...) {
    if (!d.failure) d.failure = std::current_exception();
  }
}

void require_no_recording(const char* what) {
  if (device().recording != nullptr)
    throw std::logic_error(std::string("a recording cannot ") + what + ": a GPU refuses it");
}

void rethrow_failure() {
  if (device().failure) std::rethrow_exception(std::exchange(device().failure, nullptr));
}

}  // namespace

void put_on_stream(Stream stream, Work work) {
  Device& d = device();
  if (d.recording != nullptr) {
    if (stream != d.recorded_stream)
      throw std::logic_error("work on another stream than the one that is recorded");
    d.recording->push_back(std::move(work));
    return;
  }
  const bool others_wait = std::any_of(d.waiting.begin(), d.waiting.end(),
                                       [&](const auto& other) { return other.first != stream; });
  if (others_wait || (stream != nullptr && d.default_is_busy))
    throw std::logic_error("work on two streams: nothing orders them (need to wait for the one before)");
  if (stream != nullptr) {
    d.waiting[stream].push_back(std::move(work));
    return;
  }
  d.default_is_busy = true;
  const Access access;
  work();
}

void copy_with_host(Stream stream, Work work) {
  require_no_recording("copy from or to the host");
  put_on_stream(stream, std::move(work));
}

void wait_for(Stream stream) {
  require_no_recording("wait for a stream");
  rethrow_failure();
  do_waiting(stream);
}

void end_stream(Stream stream) noexcept {
  try {
    do_waiting(stream);
  } catch (...) {
    if (!device().failure) device().failure = std::current_exception();
  }
}

void start_recording(Stream stream, std::vector<Work>* list) {
  require_no_recording("start another");
  if (stream == nullptr) throw std::logic_error("the default stream cannot be recorded");
  device().recorded_stream = stream;
  device().recording = list;
}

void end_recording() {
  device().recording = nullptr;
}

void* allocate(std::size_t bytes) {
  require_no_recording("allocate");
  if (bytes == 0) return nullptr;
  std::byte* memory = take_memory(bytes);
  open_memory(memory, bytes, true);
  std::memset(memory, 0xff, bytes);  // NaN: what nobody wrote shows
  if (device().num_accesses == 0) open_memory(memory, bytes, false);
  device().memory.emplace(memory, bytes);
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  Device& d = device();
  if (d.recording != nullptr && !d.failure)
    d.failure =
        std::make_exception_ptr(std::logic_error("a recording cannot release memory: a GPU refuses it"));
  wait_for_all();
  const auto found = d.memory.find(static_cast<std::byte*>(memory));
  if (found == d.memory.end()) std::terminate();  // released twice
  const std::size_t bytes = found->second;
  d.memory.erase(found);
  give_memory(static_cast<std::byte*>(memory), bytes);
}

}  // namespace reckon::emulator
