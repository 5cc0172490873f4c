#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include "emulator/emulator.h"
#include "reckon/base/error.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {

using emulator::run_or_record;

bool is_emulated() {
  return true;
}

int device_count() {
  return 1;
}

const DeviceInfo& device_info() {
  static const DeviceInfo info{"emulator", 4, 90, std::size_t{8} << 30, 227 * 1024};
  return info;
}

void use_device(int index) {
  if (index != 0) {
    throw Error(ExitCode::environment,
                "CUDA device " + std::to_string(index) + ": there is one device (the emulator)");
  }
}

void synchronize(Stream) {}

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, bytes + 256) != 0) throw std::bad_alloc();
  std::memset(memory, 0xff, bytes + 256);  // NaN: what nobody wrote shows
  return memory;
}

void release(void* memory) noexcept {
  std::free(memory);
}

void copy_to_device(void* device, const void* host, std::size_t bytes, Stream stream) {
  copy_on_device(device, host, bytes, stream);
}

void copy_to_host(void* host, const void* device, std::size_t bytes, Stream stream) {
  copy_on_device(host, device, bytes, stream);
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream) {
  if (bytes > 0) run_or_record([=] { std::memcpy(to, from, bytes); });
}

void fill_zero(void* device, std::size_t bytes, Stream) {
  if (bytes > 0) run_or_record([=] { std::memset(device, 0, bytes); });
}

OwnedStream::OwnedStream() = default;
OwnedStream::~OwnedStream() = default;

struct RecordedWork::State {
  std::vector<std::function<void()>> work;
};
RecordedWork::RecordedWork() = default;
RecordedWork::~RecordedWork() = default;
RecordedWork::RecordedWork(RecordedWork&&) noexcept = default;
RecordedWork& RecordedWork::operator=(RecordedWork&&) noexcept = default;

void RecordedWork::record(Stream, const std::function<void()>& work) {
  auto state = std::make_unique<State>();
  emulator::start_recording(&state->work);
  try {
    work();
  } catch (...) {
    emulator::end_recording();
    throw;
  }
  emulator::end_recording();
  state_ = std::move(state);
}

bool RecordedWork::is_recorded() const {
  return state_ != nullptr;
}

void RecordedWork::launch(Stream) const {
  if (!state_) throw std::logic_error("RecordedWork::launch: nothing is recorded");
  for (const std::function<void()>& work : state_->work) work();
}

struct StreamTimer::State {
  std::chrono::steady_clock::time_point start;
};
StreamTimer::StreamTimer() : state_(std::make_unique<State>()) {}
StreamTimer::~StreamTimer() = default;
void StreamTimer::start(Stream) {
  state_->start = std::chrono::steady_clock::now();
}
double StreamTimer::stop(Stream) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - state_->start).count();
}

}  // namespace reckon::cuda
