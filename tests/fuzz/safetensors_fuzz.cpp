// Any bytes as a safetensors file.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "reckon/model/safetensors.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

/// A copy of just its size, so that AddressSanitizer sees a byte read behind it.
std::shared_ptr<const std::byte> copied(const std::uint8_t* data, std::size_t size) {
  std::shared_ptr<std::byte> bytes(new std::byte[size], std::default_delete<std::byte[]>());
  if (size != 0) std::memcpy(bytes.get(), data, size);
  return bytes;
}

std::size_t num_elements(const TensorView& view) {
  std::size_t count = 1;
  for (const std::int64_t size : view.shape) count *= static_cast<std::size_t>(size);
  return std::find(view.shape.begin(), view.shape.end(), 0) != view.shape.end() ? 0 : count;
}

void check_file(const SafetensorsFile& file, const std::byte* begin, const std::byte* end) {
  std::size_t header_size = 0;
  std::memcpy(&header_size, begin, sizeof header_size);
  const std::byte* data = begin + sizeof header_size + header_size;
  std::vector<const TensorView*> by_place;
  const std::string* last_name = nullptr;
  for (const TensorView& view : file.tensors()) {
    require(last_name == nullptr || *last_name < view.name, "tensors have names of their own, in order");
    last_name = &view.name;
    require(view.data.data() >= data && view.data.data() + view.data.size() <= end,
            "a tensor lies in the data of its file");
    require(num_elements(view) * dtype_size(view.dtype) == view.data.size(), "a tensor has a shape's bytes");
    require(file.find(view.name) == &view, "a tensor is found by its name");
    by_place.push_back(&view);
  }
  std::sort(by_place.begin(), by_place.end(), [](const TensorView* a, const TensorView* b) {
    return std::pair(a->data.data(), a->data.size()) < std::pair(b->data.data(), b->data.size());
  });
  const std::byte* covered = data;
  for (const TensorView* view : by_place) {
    require(view->data.data() == covered, "tensors leave no hole and do not overlap");
    covered += view->data.size();
  }
  require(covered == end, "the tensors are all of the data");
  // Each byte is looked at: AddressSanitizer knows whether it is there.
  require(std::count(data, end, std::byte{}) <= end - data, "data can be read");
}

void check_bytes(const std::uint8_t* data, std::size_t size) {
  const auto bytes = copied(data, size);
  const auto open = [&] { return SafetensorsFile::from_memory(bytes, size, "f.safetensors"); };
  const auto file = accepted(ExitCode::bad_data, "f.safetensors: ", open);
  if (file) check_file(*file, bytes.get(), bytes.get() + size);
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reckon::fuzz::check_bytes(data, size);
  return 0;
}
