#include "reckon/dist/message_port.h"

#include "mpi_message_port.h"
#include "port_base.h"

namespace reckon {
namespace {

/// Of one rank, which writes to itself.
class LonePort final : public PortBase {
 public:
  using PortBase::PortBase;
  void send(int to, Channel channel, std::string bytes) override {
    check_message({&to, 1}, bytes.size());
    send_to_self(channel, std::move(bytes));
  }
  void send_along(std::span<const int> route, Channel, std::string) override {
    if (route.empty()) return;
    throw Error(ExitCode::internal, "message along a route: to rank " + std::to_string(route[0]) +
                                        " from rank 0, which is alone");
  }
  void flush() override {}
};

}  // namespace

std::unique_ptr<MessagePort> make_message_port(Communicator& world, const PortLimits& limits) {
  if (world.size() == 1) return std::make_unique<LonePort>(world, limits);
  auto* mpi = dynamic_cast<MpiCommunicator*>(&world);
  if (mpi == nullptr) throw Error(ExitCode::internal, "message port: of ranks that MPI does not know");
  return std::make_unique<MpiMessagePort>(*mpi, limits);
}

}  // namespace reckon
