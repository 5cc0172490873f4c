#include "reckon/dist/communicator.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "finished_exchange.h"

namespace reckon {
namespace {

class SerialCommunicator final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  std::vector<std::string> all_gather(std::string_view bytes) override { return {std::string(bytes)}; }
  std::vector<std::string> gather(std::string_view bytes, int) override { return {std::string(bytes)}; }
  void broadcast(std::span<std::byte>, int) override {}
  void barrier() override {}
  [[nodiscard]] std::string host(int) const override { return host_name(); }
  std::unique_ptr<PendingExchange> start_all_to_all(std::vector<std::string> parts) override {
    return std::make_unique<FinishedExchange>(std::move(parts));
  }
  std::unique_ptr<Communicator> split(int) override { return std::make_unique<SerialCommunicator>(); }
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }
};

template <class T>
std::string_view as_text(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

template <class T, class Combine>
void combine_in_rank_order(Communicator& world, std::span<T> values, Combine combine) {
  const std::vector<std::string> parts = world.all_gather(as_text(std::span<const T>(values)));
  for (std::size_t r = 0; r < parts.size(); ++r) {
    if (parts[r].size() != values.size_bytes()) {
      throw std::logic_error("Communicator: rank " + std::to_string(r) + " gave " +
                             std::to_string(parts[r].size()) + " bytes, this rank " +
                             std::to_string(values.size_bytes()));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, parts[r].data() + i * sizeof(T), sizeof(T));
      values[i] = r == 0 ? value : combine(values[i], value);
    }
  }
}

}  // namespace

std::vector<std::string> Communicator::all_to_all(std::vector<std::string> parts) {
  return start_all_to_all(std::move(parts))->wait();
}

void Communicator::sum(std::span<double> values) {
  combine_in_rank_order(*this, values, [](double a, double b) { return a + b; });
}

void Communicator::sum(std::span<std::int64_t> values) {
  combine_in_rank_order(*this, values, [](std::int64_t a, std::int64_t b) { return a + b; });
}

void Communicator::maximum(std::span<double> values) {
  // Not std::max: a NaN of any rank must win.
  combine_in_rank_order(*this, values, [](double a, double b) { return a >= b || a != a ? a : b; });
}

std::optional<Disagreement> first_disagreement(Communicator& world, std::string_view text) {
  const std::vector<std::string> all = world.all_gather(text);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) return Disagreement{static_cast<int>(rank), all[rank], all[0]};
  }
  return std::nullopt;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::unique_ptr<Communicator> make_serial_communicator() {
  return std::make_unique<SerialCommunicator>();
}

Range share_of(std::int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}

}  // namespace reckon
