#include "reckon/dist/link_probe.h"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <set>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double time_of_day_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What comes before a message: its size, and the sender's time of day.
struct Header {
  std::uint64_t bytes = 0;
  double time_of_day_s = 0;
};
constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

/// Messages to and from one other rank.
class Peer {
 public:
  Peer(Communicator& world, MPI_Comm comm, int other, double deadline_s)
      : world_(world), comm_(comm), other_(other), deadline_s_(deadline_s) {}

  void send(const void* bytes, std::size_t size) {
    MPI_Request request;
    MPI_Isend(bytes, static_cast<int>(size), MPI_BYTE, other_, 0, comm_, &request);
    wait(request, "did not take");
  }
  void receive(void* bytes, std::size_t size) {
    MPI_Request request;
    MPI_Irecv(bytes, static_cast<int>(size), MPI_BYTE, other_, 0, comm_, &request);
    wait(request, "did not send");
  }

 private:
  void wait(MPI_Request& request, const char* what) {
    const auto start = Clock::now();
    for (int is_done = 0; is_done == 0;) {
      MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
      const double waited_s = seconds_since(start);
      if (is_done != 0 || waited_s < 0.002) continue;  // spins while what is measured is short
      if (waited_s > deadline_s_) {
        throw Error(ExitCode::environment, "rank " + std::to_string(other_) + " (" + world_.host(other_) +
                                               ") " + what + " a message of rank " +
                                               std::to_string(world_.rank()) + " (" +
                                               world_.host(world_.rank()) + ") within " +
                                               std::to_string(static_cast<int>(deadline_s_)) +
                                               " s (need a way between them that no firewall closes)");
      }
      usleep(50);
    }
  }

  Communicator& world_;
  MPI_Comm comm_;
  int other_;
  double deadline_s_;
};

/// The side that measures: sends, and waits for the echo.
class Measurement {
 public:
  Measurement(Peer& peer, const LinkProbeOptions& options) : peer_(peer), options_(options) {}

  LinkReading run() {
    exchange(0);  // connects
    measure_round_trips();
    for (const std::size_t size : options_.sizes) {
      if (!measure_size(size)) break;
    }
    const Header end{kEnd, 0};
    peer_.send(&end, sizeof end);
    return reading_;
  }

 private:
  struct RoundTrip {
    double seconds = 0;
    double clock_ahead_s = 0;
  };

  RoundTrip exchange(std::size_t size) {
    std::string bytes(size, '\0'), echo(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
    const auto start = Clock::now();
    const Header mine{size, time_of_day_s()};
    Header theirs;
    peer_.send(&mine, sizeof mine);
    if (size > 0) peer_.send(bytes.data(), size);
    peer_.receive(&theirs, sizeof theirs);
    if (size > 0) peer_.receive(echo.data(), size);
    const double took_s = seconds_since(start);
    reading_.is_whole = reading_.is_whole && bytes == echo;
    return {took_s, theirs.time_of_day_s - (mine.time_of_day_s + took_s / 2)};
  }

  void measure_round_trips() {
    reading_.round_trip_s = std::numeric_limits<double>::infinity();
    for (int i = 0; i < options_.repeats; ++i) {
      const RoundTrip trip = exchange(0);
      reading_.slowest_round_trip_s = std::max(reading_.slowest_round_trip_s, trip.seconds);
      if (trip.seconds >= reading_.round_trip_s) continue;
      reading_.round_trip_s = trip.seconds;
      reading_.clock_ahead_s = trip.clock_ahead_s;
    }
  }

  /// \return whether there is time for a larger one
  bool measure_size(std::size_t size) {
    double fastest_s = exchange(size).seconds;  // counts where there is no time for another
    double sum_s = fastest_s;
    for (int i = 0; i < std::max(1, options_.repeats / 3) && sum_s <= options_.time_s; ++i) {
      const double took_s = exchange(size).seconds;
      fastest_s = std::min(fastest_s, took_s);
      sum_s += took_s;
    }
    reading_.sizes.push_back({size, 2 * static_cast<double>(size) / fastest_s});
    return sum_s <= options_.time_s;
  }

  Peer& peer_;
  const LinkProbeOptions& options_;
  LinkReading reading_;
};

/// The other side.
void echo_messages(Peer& peer) {
  std::string bytes;
  while (true) {
    Header theirs;
    peer.receive(&theirs, sizeof theirs);
    if (theirs.bytes == kEnd) return;
    bytes.resize(theirs.bytes);
    if (!bytes.empty()) peer.receive(bytes.data(), bytes.size());
    const Header mine{0, time_of_day_s()};
    peer.send(&mine, sizeof mine);
    if (!bytes.empty()) peer.send(bytes.data(), bytes.size());
  }
}

void append_number(std::string& text, double value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string packed(const LinkReading& reading) {
  std::string text;
  append_number(text, reading.round_trip_s);
  append_number(text, reading.slowest_round_trip_s);
  append_number(text, reading.clock_ahead_s);
  append_number(text, reading.is_whole ? 1 : 0);
  for (const MessageSpeed& size : reading.sizes) {
    append_number(text, static_cast<double>(size.bytes));
    append_number(text, size.bytes_per_s);
  }
  return text;
}

LinkReading unpacked(std::pair<int, int> pair, const std::string& text) {
  std::vector<double> numbers(text.size() / sizeof(double));
  std::memcpy(numbers.data(), text.data(), text.size());
  LinkReading reading{.first = pair.first,
                      .second = pair.second,
                      .round_trip_s = numbers.at(0),
                      .slowest_round_trip_s = numbers.at(1),
                      .sizes = {},
                      .is_whole = numbers.at(3) != 0,
                      .clock_ahead_s = numbers.at(2)};
  for (std::size_t i = 4; i + 1 < numbers.size(); i += 2)
    reading.sizes.push_back({static_cast<std::size_t>(numbers[i]), numbers[i + 1]});
  return reading;
}

}  // namespace

std::vector<LinkReading> probe_links(Communicator& world, const std::vector<LinkRound>& rounds,
                                     const LinkProbeOptions& options) {
  std::vector<LinkReading> readings;
  if (world.size() == 1) return readings;
  world.barrier();  // MPI's dup waits without a limit: only where all have come
  MPI_Comm comm;
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  for (const LinkRound& round : rounds) {
    std::string mine;
    for (const auto& [first, second] : round) {
      if (world.rank() != first && world.rank() != second) continue;
      Peer peer(world, comm, world.rank() == first ? second : first, options.deadline_s);
      if (world.rank() == first) {
        mine = packed(Measurement(peer, options).run());
      } else {
        echo_messages(peer);
      }
    }
    const std::vector<std::string> all = world.all_gather(mine);
    for (const auto& pair : round)
      readings.push_back(unpacked(pair, all.at(static_cast<std::size_t>(pair.first))));
  }
  MPI_Comm_free(&comm);
  return readings;
}

std::vector<LinkRound> rounds_of_pairs(const std::vector<int>& members, std::size_t most_all) {
  std::vector<LinkRound> rounds;
  const std::size_t n = members.size();
  if (n < 2) return rounds;
  if (n <= most_all) {
    // The circle method: one place stays, the others go round; with an odd number one of them rests.
    const std::size_t places = n + n % 2;
    for (std::size_t round = 0; round + 1 < places; ++round) {
      LinkRound pairs;
      for (std::size_t i = 0; i < places / 2; ++i) {
        const auto at = [&](std::size_t place) {
          return place == 0 ? std::size_t{0} : 1 + (place - 1 + round) % (places - 1);
        };
        const std::size_t a = at(i), b = at(places - 1 - i);
        if (a < n && b < n) pairs.emplace_back(members[std::min(a, b)], members[std::max(a, b)]);
      }
      rounds.push_back(std::move(pairs));
    }
    return rounds;
  }
  for (std::size_t distance = 1; distance < n; distance *= 2) {
    std::set<std::pair<std::size_t, std::size_t>> left;
    for (std::size_t i = 0; i < n; ++i) left.insert(std::minmax(i, (i + distance) % n));
    while (!left.empty()) {
      LinkRound pairs;
      std::set<std::size_t> taken;
      for (auto it = left.begin(); it != left.end();) {
        const auto [a, b] = *it;
        if (taken.count(a) != 0 || taken.count(b) != 0) {
          ++it;
          continue;
        }
        taken.insert({a, b});
        pairs.emplace_back(members[a], members[b]);
        it = left.erase(it);
      }
      rounds.push_back(std::move(pairs));
    }
  }
  return rounds;
}

std::string mpi_library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole(text, static_cast<std::size_t>(length));
  return whole.substr(0, whole.find_first_of(",\n"));
}

}  // namespace reckon
