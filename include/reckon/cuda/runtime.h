#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reckon/cuda/stream.h"

/// What the program asks of CUDA. There are two libraries behind these headers: kernels/ compiled by nvcc for
/// a GPU, and the same files compiled by the C++ compiler for an emulator that runs every thread of a block
/// on the CPU (kernels/emulator): slow, and meant to test the kernels' own code where no GPU is.
namespace reckon::cuda {

/// Whether this is the emulator: device memory is then host memory.
[[nodiscard]] bool is_emulated();

struct DeviceInfo {
  std::string name;
  int multiprocessors = 0;
  int compute_capability = 0;              ///< 90 for 9.0
  std::size_t memory_bytes = 0;            ///< all of it
  std::size_t shared_bytes_per_block = 0;  ///< the most a block can ask for
  std::string id = {};                     ///< 16 bytes that no other GPU has, of this machine or another
};

/// GPUs of this machine; 0 where there is no driver. The emulator is one device.
[[nodiscard]] int device_count();
/// The device that this thread works on. \throws Error(environment) where there is none.
[[nodiscard]] const DeviceInfo& device_info();
/// \throws Error(environment) where there is no such device.
void use_device(int index);

/// Waits until everything on the stream is done. \throws Error(internal) with CUDA's words where a kernel
/// failed.
void synchronize(Stream stream);

/// What is put on `then` from here on waits for what `first` has been given so far; the host does not wait.
void order_streams(Stream first, Stream then);

/// Memory of the device. \throws Error(environment) where it does not suffice.
[[nodiscard]] void* allocate(std::size_t bytes);
/// Waits for the work that may use it.
void release(void* memory) noexcept;

// On the stream: the host's memory must stay as it is until the stream is synchronized. Work of the default
// stream and of an OwnedStream is not ordered: between them the first is synchronized.
void copy_to_device(void* device, const void* host, std::size_t bytes, Stream stream);
void copy_to_host(void* host, const void* device, std::size_t bytes, Stream stream);
void copy_on_device(void* to, const void* from, std::size_t bytes, Stream stream);
void fill_zero(void* device, std::size_t bytes, Stream stream);

/// Values of one type on the device. Keeps its memory when it shrinks; contents are lost when it grows.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(std::size_t size) { resize(size); }
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceArray() { release(data_); }

  /// \return whether there is new memory, of unknown contents
  bool resize(std::size_t size) {
    const bool grows = size > capacity_;
    if (grows) {
      release(std::exchange(data_, nullptr));
      capacity_ = 0;
      data_ = static_cast<T*>(allocate(size * sizeof(T)));
      capacity_ = size;
    }
    size_ = size;
    return grows;
  }
  /// The values must stay until the stream is synchronized.
  void upload(std::span<const T> values, Stream stream = nullptr) {
    resize(values.size());
    copy_to_device(data_, values.data(), values.size_bytes(), stream);
  }
  /// Waits for the stream.
  [[nodiscard]] std::vector<T> download(Stream stream = nullptr) const {
    std::vector<T> values(size_);
    copy_to_host(values.data(), data_, size_ * sizeof(T), stream);
    synchronize(stream);
    return values;
  }
  void fill_zero(Stream stream = nullptr) { cuda::fill_zero(data_, size_ * sizeof(T), stream); }

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void swap(DeviceArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// A stream of its own.
class OwnedStream {
 public:
  OwnedStream();
  ~OwnedStream();
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  [[nodiscard]] Stream get() const { return stream_; }

 private:
  Stream stream_ = nullptr;
};

/// Work on a stream, recorded once and launched many times (a CUDA graph): pointers and sizes are those of
/// the recording, what lies behind the pointers is read at each launch.
class RecordedWork {
 public:
  RecordedWork();
  ~RecordedWork();
  RecordedWork(RecordedWork&&) noexcept;
  RecordedWork& operator=(RecordedWork&&) noexcept;

  /// Records what `work` puts on the stream, which is not the default one; nothing of it runs. It may neither
  /// allocate, release, synchronize nor copy from or to the host, and its kernels have run before.
  void record(Stream stream, const std::function<void()>& work);
  [[nodiscard]] bool is_recorded() const;
  void launch(Stream stream) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Times work on a stream by events.
class StreamTimer {
 public:
  StreamTimer();
  ~StreamTimer();
  StreamTimer(const StreamTimer&) = delete;
  StreamTimer& operator=(const StreamTimer&) = delete;
  void start(Stream stream);
  /// Waits for the stream. \return milliseconds since start()
  [[nodiscard]] double stop(Stream stream);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reckon::cuda
