// Whether ranks can open ports to each other: MPI and NCCL listen at ports that the system gives them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "checks.h"

namespace reckon::doctor {
namespace {

constexpr int kWaitMs = 3000;           // for one connection: slow links take a second
constexpr std::size_t kMostHosts = 32;  // that one host tries

class Socket {
 public:
  Socket() : file_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (file_ >= 0) close(file_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int file() const { return file_; }

  /// \return the port; 0 where none can be had
  [[nodiscard]] int listen_anywhere() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof address;
    if (bind(file_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(file_, 64) != 0 ||
        getsockname(file_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      return 0;
    return ntohs(address.sin_port);
  }
  /// \return what is wrong; "" where the connection stands
  [[nodiscard]] std::string connect_to(const std::string& host, int port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    if (connect(file_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return "";
    if (errno != EINPROGRESS) return std::strerror(errno);
    pollfd waiting{file_, POLLOUT, 0};
    if (poll(&waiting, 1, kWaitMs) == 0) return "no answer within " + std::to_string(kWaitMs / 1000) + " s";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(file_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? "" : std::strerror(error);
  }

 private:
  int file_;
};

struct Listener {
  std::string address;  ///< of an interface
  int port = 0;
};

/// Those of a host: a line for each address.
std::vector<Listener> listeners_in(const std::string& text) {
  std::vector<Listener> listeners;
  std::istringstream lines(text);
  Listener one;
  while (lines >> one.address >> one.port) listeners.push_back(one);
  return listeners;
}

}  // namespace

Finding check_ports(Examination& examination) {
  Communicator& world = examination.world;
  const std::vector<HostRanks> hosts = hosts_of(examination.facts);
  if (hosts.size() == 1) return skipped("one host");
  const RankFacts& mine = examination.facts.at(static_cast<std::size_t>(world.rank()));
  std::size_t place = hosts.size();  // of this rank's host, where it speaks for it
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].ranks.front() == world.rank()) place = i;
  }
  const Socket listening;
  std::string listens, problems;
  if (place < hosts.size()) {
    const int port = listening.listen_anywhere();
    if (port == 0) problems = mine.host + " cannot listen at any port: " + std::strerror(errno) + "\n";
    for (const Interface& interface : mine.interfaces)
      listens += interface.address + " " + std::to_string(port) + "\n";
  }
  const std::vector<std::string> all = world.all_gather(listens);
  int num_tried = 0;
  for (std::size_t i = 1; place < hosts.size() && i <= std::min(kMostHosts, hosts.size() - 1); ++i) {
    const HostRanks& other = hosts[(place + i) % hosts.size()];
    std::string failed;  // of the host, whose addresses need not all be reachable
    bool is_reached = false;
    for (const Listener& listener : listeners_in(all.at(static_cast<std::size_t>(other.ranks.front())))) {
      const Socket connecting;
      const std::string problem = connecting.connect_to(listener.address, listener.port);
      is_reached = is_reached || problem.empty();
      if (!problem.empty())
        failed += " " + listener.address + ":" + std::to_string(listener.port) + " (" + problem + ")";
    }
    ++num_tried;
    if (!is_reached)
      problems += mine.host + " reaches " + other.host + " at none of its addresses:" + failed + "\n";
  }
  Finding finding{.found = std::to_string(num_tried) + " hosts reached from " + mine.host +
                           ", at ports that the system chose"};
  for (const std::string& text : world.all_gather(problems)) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      finding.fail(
          line +
          ". MPI and NCCL listen at any port: open all ports between the hosts of a job, or give MPI a range "
          "(--mca btl_tcp_port_min_v4, btl_tcp_port_range_v4, oob_tcp_dynamic_ipv4_ports)");
  }
  world.barrier();  // nobody stops listening before all have tried
  return finding;
}

}  // namespace reckon::doctor
