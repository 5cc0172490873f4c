#include "reckon/dist/device_communicator.h"

#include <set>
#include <stdexcept>
#include <string>

namespace reckon {
namespace {

/// Keeps the names, so that a wait for a wrong one is an error on one GPU as it is on many.
class SerialDeviceCommunicator final : public DeviceCommunicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  void all_reduce_sum(float*, std::size_t, std::string_view tensor, Stream) override { add(tensor); }
  void reduce_sum(float*, std::size_t, int root, std::string_view tensor, Stream) override {
    check_root("reduce", root);
    add(tensor);
  }
  void broadcast(void*, std::size_t, int root, std::string_view tensor, Stream) override {
    check_root("broadcast", root);
    add(tensor);
  }
  void all_gather(void*, std::size_t, std::string_view tensor, Stream) override { add(tensor); }
  void reduce_scatter_sum(float*, std::size_t, std::string_view tensor, Stream) override { add(tensor); }
  void wait(std::string_view tensor) override {
    if (under_way_.erase(std::string(tensor)) == 0) throw_not_under_way(tensor);
  }
  void wait_all() override { under_way_.clear(); }

 private:
  void add(std::string_view tensor) { under_way_.emplace(tensor); }

  std::set<std::string> under_way_;
};

}  // namespace

void DeviceCommunicator::check_root(const char* collective, int root) const {
  if (root < 0 || root >= size()) {
    throw std::invalid_argument(std::string(collective) + ": root " + std::to_string(root) +
                                " is not a rank (need 0 to " + std::to_string(size() - 1) + ")");
  }
}

void DeviceCommunicator::throw_not_under_way(std::string_view tensor) {
  throw std::logic_error("wait: no collective of \"" + std::string(tensor) + "\" is under way");
}

std::unique_ptr<DeviceCommunicator> make_serial_device_communicator() {
  return std::make_unique<SerialDeviceCommunicator>();
}

}  // namespace reckon
