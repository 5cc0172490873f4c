#include "allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace reckon::testing {
namespace {

std::atomic<std::size_t> count = 0;

}  // namespace

std::size_t allocations() {
  return count;
}

void* counted_new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace reckon::testing

void* operator new(std::size_t size) {
  return reckon::testing::counted_new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);  // std::stable_sort's buffer
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
