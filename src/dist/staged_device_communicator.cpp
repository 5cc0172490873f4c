#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "reckon/cuda/runtime.h"
#include "reckon/dist/device_communicator.h"

namespace reckon {
namespace {

// Bytes that a rank gives at once: every rank gets those of all.
constexpr std::size_t kChunkBytes = std::size_t{4} << 20;

class StagedDeviceCommunicator final : public DeviceCommunicator {
 public:
  explicit StagedDeviceCommunicator(Communicator& world) : world_(world) {}
  [[nodiscard]] int rank() const override { return world_.rank(); }
  [[nodiscard]] int size() const override { return world_.size(); }

  void all_reduce_sum(float* device, std::size_t count, std::string_view tensor, Stream stream) override {
    sum(device, count, stream, [](std::size_t) { return true; });
    under_way_.emplace(tensor);
  }

  void reduce_sum(float* device, std::size_t count, int root, std::string_view tensor,
                  Stream stream) override {
    check_root("reduce", root);
    sum(device, count, stream, [&](std::size_t) { return rank() == root; });
    under_way_.emplace(tensor);
  }

  void reduce_scatter_sum(float* device, std::size_t count, std::string_view tensor, Stream stream) override {
    const std::size_t mine = static_cast<std::size_t>(rank()) * count;
    sum(device, count * static_cast<std::size_t>(size()), stream,
        [&](std::size_t i) { return i >= mine && i < mine + count; });
    under_way_.emplace(tensor);
  }

  void broadcast(void* device, std::size_t bytes, int root, std::string_view tensor, Stream stream) override {
    check_root("broadcast", root);
    for (std::size_t first = 0; first < bytes; first += kChunkBytes) {
      std::vector<std::byte> chunk(std::min(kChunkBytes, bytes - first));
      std::byte* at = static_cast<std::byte*>(device) + first;
      if (rank() == root) fetch(chunk.data(), at, chunk.size(), stream);
      world_.broadcast(chunk, root);
      if (rank() != root) store(at, chunk.data(), chunk.size(), stream);
    }
    under_way_.emplace(tensor);
  }

  void all_gather(void* device, std::size_t bytes, std::string_view tensor, Stream stream) override {
    auto* base = static_cast<std::byte*>(device);
    for (std::size_t first = 0; first < bytes; first += kChunkBytes) {
      std::string mine(std::min(kChunkBytes, bytes - first), '\0');
      fetch(mine.data(), base + static_cast<std::size_t>(rank()) * bytes + first, mine.size(), stream);
      const std::vector<std::string> parts = world_.all_gather(mine);
      for (std::size_t r = 0; r < parts.size(); ++r)
        store(base + r * bytes + first, parts[r].data(), parts[r].size(), stream);
    }
    under_way_.emplace(tensor);
  }

  void wait(std::string_view tensor) override {
    if (under_way_.erase(std::string(tensor)) == 0) throw_not_under_way(tensor);
  }
  void wait_all() override { under_way_.clear(); }

 private:
  static void fetch(void* host, const void* device, std::size_t bytes, Stream stream) {
    cuda::copy_to_host(host, device, bytes, stream);
    cuda::synchronize(stream);
  }
  static void store(void* device, const void* host, std::size_t bytes, Stream stream) {
    cuda::copy_to_device(device, host, bytes, stream);
    cuda::synchronize(stream);
  }

  /// \param is_wanted  of an element: others stay as they are
  template <class IsWanted>
  void sum(float* device, std::size_t count, Stream stream, const IsWanted& is_wanted) {
    constexpr std::size_t kChunk = kChunkBytes / sizeof(float);
    for (std::size_t first = 0; first < count; first += kChunk) {
      std::vector<float> values(std::min(kChunk, count - first));
      const std::size_t bytes = values.size() * sizeof(float);
      fetch(values.data(), device + first, bytes, stream);
      const std::vector<std::string> parts =
          world_.all_gather({reinterpret_cast<const char*>(values.data()), bytes});
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!is_wanted(first + i)) continue;
        values[i] = 0;
        for (const std::string& part : parts) {
          float theirs = 0;
          std::memcpy(&theirs, part.data() + i * sizeof(float), sizeof theirs);
          values[i] += theirs;
        }
      }
      store(device + first, values.data(), bytes, stream);
    }
  }

  Communicator& world_;
  std::set<std::string> under_way_;
};

}  // namespace

std::unique_ptr<DeviceCommunicator> make_staged_device_communicator(Communicator& world) {
  return std::make_unique<StagedDeviceCommunicator>(world);
}

}  // namespace reckon
