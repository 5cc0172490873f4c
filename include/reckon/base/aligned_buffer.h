#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace reckon {

/// Floats on a 64-byte boundary, zero at first, that keep their memory when they shrink: the workspace of a
/// loop that must not allocate.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) { resize(size); }
  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~AlignedBuffer() { std::free(data_); }

  /// Sets the size. Contents are kept only where no new memory was needed; new memory is zero.
  void resize(std::size_t size) {
    const bool is_new = size > capacity_;
    resize_for_overwrite(size);
    if (is_new) std::memset(data_, 0, capacity_ * sizeof(float));
  }

  /// The same, but what new memory holds is not said: pages that are never written cost nothing.
  void resize_for_overwrite(std::size_t size) {
    if (size > capacity_) {
      const std::size_t bytes = (size * sizeof(float) + 63) / 64 * 64;
      const bool is_large = bytes >= 4 * kHugePage;
      void* memory = nullptr;
      if (posix_memalign(&memory, is_large ? kHugePage : 64, bytes) != 0) throw std::bad_alloc();
      // A wish: with pages of 4 KiB each block of keys costs a look at the page table.
      if (is_large) (void)madvise(memory, bytes, MADV_HUGEPAGE);
      std::free(data_);
      data_ = static_cast<float*>(memory);
      capacity_ = bytes / sizeof(float);
    }
    size_ = size;
  }

  [[nodiscard]] float* data() { return data_; }
  [[nodiscard]] const float* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<float> span() { return {data_, size_}; }
  [[nodiscard]] std::span<const float> span() const { return {data_, size_}; }
  operator std::span<float>() { return span(); }              // NOLINT: a buffer is its floats
  operator std::span<const float>() const { return span(); }  // NOLINT

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  void swap(AlignedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  float* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace reckon
