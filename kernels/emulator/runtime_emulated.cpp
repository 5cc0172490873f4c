#include <chrono>
#include <cstring>
#include <stdexcept>

#include "emulator/emulator.h"
#include "reckon/base/error.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {

bool is_emulated() {
  return true;
}

int device_count() {
  return 1;
}

const DeviceInfo& device_info() {
  static const DeviceInfo info{"emulator", 4, 90, std::size_t{8} << 30, 227 * 1024, "the only one"};
  return info;
}

void use_device(int index) {
  if (index != 0) {
    throw Error(ExitCode::environment,
                "CUDA device " + std::to_string(index) + ": there is one device (the emulator)");
  }
}

void synchronize(Stream stream) {
  emulator::wait_for(stream);
}

void* allocate(std::size_t bytes) {
  return emulator::allocate(bytes);
}

void release(void* memory) noexcept {
  emulator::release(memory);
}

void copy_to_device(void* device, const void* host, std::size_t bytes, Stream stream) {
  if (bytes > 0) emulator::copy_with_host(stream, [=] { std::memcpy(device, host, bytes); });
}

void copy_to_host(void* host, const void* device, std::size_t bytes, Stream stream) {
  if (bytes > 0) emulator::copy_with_host(stream, [=] { std::memcpy(host, device, bytes); });
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes > 0) emulator::put_on_stream(stream, [=] { std::memcpy(to, from, bytes); });
}

void fill_zero(void* device, std::size_t bytes, Stream stream) {
  if (bytes > 0) emulator::put_on_stream(stream, [=] { std::memset(device, 0, bytes); });
}

// One of the orders that a GPU may take: what `first` has is done before anything else.
void order_streams(Stream first, Stream) {
  emulator::wait_for(first);
}

// A stream is told from the others by its address.
OwnedStream::OwnedStream() : stream_(reinterpret_cast<Stream>(new char)) {}
OwnedStream::~OwnedStream() {
  emulator::end_stream(stream_);
  delete reinterpret_cast<char*>(stream_);
}

struct RecordedWork::State {
  std::vector<emulator::Work> work;
};
RecordedWork::RecordedWork() = default;
RecordedWork::~RecordedWork() = default;
RecordedWork::RecordedWork(RecordedWork&&) noexcept = default;
RecordedWork& RecordedWork::operator=(RecordedWork&&) noexcept = default;

void RecordedWork::record(Stream stream, const std::function<void()>& work) {
  auto state = std::make_unique<State>();
  emulator::start_recording(stream, &state->work);
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

void RecordedWork::launch(Stream stream) const {
  if (!state_) throw std::logic_error("RecordedWork::launch: nothing is recorded");
  for (const emulator::Work& work : state_->work) emulator::put_on_stream(stream, work);
}

struct StreamTimer::State {
  std::chrono::steady_clock::time_point start;
};
StreamTimer::StreamTimer() : state_(std::make_unique<State>()) {}
StreamTimer::~StreamTimer() = default;
void StreamTimer::start(Stream) {
  state_->start = std::chrono::steady_clock::now();
}
double StreamTimer::stop(Stream stream) {
  emulator::wait_for(stream);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - state_->start).count();
}

}  // namespace reckon::cuda
