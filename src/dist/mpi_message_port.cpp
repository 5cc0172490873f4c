#include "mpi_message_port.h"

#include <algorithm>
#include <exception>

#include "reckon/base/log.h"
#include "wait_clock.h"

namespace reckon {

void require_threads(int provided) {
  if (provided >= MPI_THREAD_MULTIPLE) return;
  throw Error(ExitCode::environment,
              "MPI: gives thread support " + std::to_string(provided) + " (need " +
                  std::to_string(MPI_THREAD_MULTIPLE) +
                  ", MPI_THREAD_MULTIPLE). Ask ompi_info whether it was built with it");
}

MpiMessagePort::MpiMessagePort(MpiCommunicator& world, const PortLimits& limits)
    : PortBase(world, limits), ranks_(world), num_exceptions_(std::uncaught_exceptions()) {
  require_threads(world.job()->thread_level());
  world.barrier();  // MPI's dup waits, without a limit: only where all have come
  check_mpi(MPI_Comm_dup(world.mpi(), &comm_), "message port");
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  for (int c = 0; c < kNumChannels; ++c) {
    const auto channel = static_cast<Channel>(c);
    incoming_.emplace_back(comm_, channel, inbox(channel));
  }
  thread_ = std::thread([this] { run(); });
}

MpiMessagePort::~MpiMessagePort() {
  bool is_clean = false;
  // Where this rank is in trouble, the others may not come: they see it by their deadlines.
  if (std::uncaught_exceptions() == num_exceptions_ && !ranks_.job()->has_failed()) {
    try {
      flush();
      ranks_.barrier();  // what the others sent is here
      is_clean = true;
    } catch (const Error& error) {
      log_error(error.what());
    }
  }
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    work_.notify_one();
  }
  thread_.join();
  if (is_clean && sending_.empty() && !ranks_.job()->has_failed()) {
    MPI_Comm_free(&comm_);
    return;
  }
  // MPI may still read and write what is under way: left as it is, the process ends.
  new Outbox(std::move(sending_));
  new std::vector<IncomingChannel>(std::move(incoming_));
}

template <class IsOver>
bool MpiMessagePort::wait_locked(std::unique_lock<std::mutex>& lock, double seconds, IsOver is_over) {
  constexpr double kPiece = 0.1;  // so that the clock sees where the process was stopped
  WaitClock clock;
  while (true) {
    if (!failure_.empty()) throw Error(ExitCode::internal, failure_);
    if (is_over()) return true;
    const double left = seconds - clock.look();
    if (left <= 0.0) return false;
    room_.wait_for(lock, std::chrono::duration<double>(std::min(left, kPiece)));
  }
}

void MpiMessagePort::give_up(const Link& link, double waited_s) {
  throw Error(ExitCode::internal, std::string("messages on channel ") + name_of(link.second) + ": waited " +
                                      in_seconds(waited_s) + " for " + ranks_.name(link.first) +
                                      " to take them");
}

void MpiMessagePort::queue(int to, Channel channel, Packet packet) {
  count_sent(channel, packet.size);
  under_way_[{to, channel}] += packet.size + Inbox::kMessageOverhead;
  queued_.push_back(std::make_unique<OutgoingPacket>(to, channel, std::move(packet)));
  has_work_ = true;
  work_.notify_one();
}

void MpiMessagePort::send_packet(int to, Channel channel, Packet packet) {
  const Link link{to, channel};
  const std::size_t size = packet.size + Inbox::kMessageOverhead;
  const double timeout = world().timeout();
  std::unique_lock lock(mutex_);
  const bool has_room = wait_locked(lock, timeout, [&] {
    const std::size_t now = under_way_[link];
    return now == 0 || now + size <= limits().outbox_bytes;
  });
  if (!has_room) give_up(link, timeout);
  queue(to, channel, std::move(packet));
}

void MpiMessagePort::send(int to, Channel channel, std::string bytes) {
  check_message({&to, 1}, bytes.size());
  if (to == rank()) return send_to_self(channel, std::move(bytes));
  const std::size_t size = bytes.size();
  send_packet(to, channel, {rank(), {}, size, std::make_shared<std::string>(std::move(bytes))});
}

void MpiMessagePort::send_along(std::span<const int> route, Channel channel, std::string bytes) {
  check_message(route, bytes.size());
  if (route.empty()) return;
  std::vector<int> sorted(route.begin(), route.end());
  sorted.push_back(rank());
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    throw Error(ExitCode::internal, "message along a route: comes twice to rank " + std::to_string(*twice) +
                                        " (need each rank once, and not the sender)");
  }
  const std::size_t size = bytes.size();
  send_packet(
      route[0], channel,
      {rank(), {route.begin() + 1, route.end()}, size, std::make_shared<std::string>(std::move(bytes))});
}

void MpiMessagePort::flush() {
  const double timeout = world().timeout();
  std::unique_lock lock(mutex_);
  const auto first = [&] {
    return std::find_if(under_way_.begin(), under_way_.end(),
                        [](const auto& link) { return link.second > 0; });
  };
  if (!wait_locked(lock, timeout, [&] { return first() == under_way_.end(); }))
    give_up(first()->first, timeout);
}

void MpiMessagePort::room_was_made() {
  const std::lock_guard lock(mutex_);
  has_work_ = true;
  work_.notify_one();
}

void MpiMessagePort::run() {
  std::string why = "message port: the job is being ended";
  try {
    move_until_stopped();
  } catch (const std::exception& error) {
    why = error.what();
  }
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return;
  failure_ = why;
  room_.notify_all();
  for (int c = 0; c < kNumChannels; ++c) inbox(static_cast<Channel>(c)).close(why);
}

void MpiMessagePort::move_until_stopped() {
  WaitClock idle;
  while (!ranks_.job()->has_failed()) {
    if (move()) idle = WaitClock();
    if (pause(idle.look())) return;
  }
}

bool MpiMessagePort::move() {
  bool has_moved = start_sends();
  has_moved |= finish_sends();
  for (int c = 0; c < kNumChannels; ++c) {
    const auto channel = static_cast<Channel>(c);
    has_moved |= incoming_[static_cast<std::size_t>(c)].advance(
        may_pass_on(channel), [&](Packet packet) { deliver(channel, std::move(packet)); });
  }
  return has_moved;
}

bool MpiMessagePort::start_sends() {
  Outbox fresh;
  {
    const std::lock_guard lock(mutex_);
    fresh.swap(queued_);
    has_work_ = false;
  }
  for (auto& packet : fresh) {
    packet->start(comm_);
    sending_.push_back(std::move(packet));
  }
  return !fresh.empty();
}

bool MpiMessagePort::finish_sends() {
  const std::size_t num_before = sending_.size();
  std::erase_if(sending_, [&](const auto& packet) {
    if (!packet->advance()) return false;
    const std::lock_guard lock(mutex_);
    under_way_[{packet->to(), packet->channel()}] -= packet->num_bytes() + Inbox::kMessageOverhead;
    room_.notify_all();
    return true;
  });
  return sending_.size() < num_before;
}

bool MpiMessagePort::may_pass_on(Channel channel) {
  const std::lock_guard lock(mutex_);
  return std::all_of(under_way_.begin(), under_way_.end(), [&](const auto& link) {
    return link.first.second != channel || link.second <= limits().outbox_bytes;
  });
}

void MpiMessagePort::deliver(Channel channel, Packet packet) {
  const int from = packet.from;
  std::string bytes;
  if (packet.route.empty()) {
    bytes = std::move(*packet.payload);
  } else {
    bytes = *packet.payload;
    const int to = packet.route.front();
    packet.route.erase(packet.route.begin());
    const std::lock_guard lock(mutex_);
    queue(to, channel, std::move(packet));
  }
  count_received(channel, bytes.size());
  inbox(channel).put({from, std::move(bytes)});
}

bool MpiMessagePort::pause(double idle_s) {
  constexpr double kShortest = 20e-6, kLongest = 1e-3, kLongestInTransfer = 50e-6, kSlowLink = 100e6;
  std::size_t num_bytes = 0;
  for (const auto& channel : incoming_) num_bytes += channel.num_bytes();
  for (const auto& packet : sending_) num_bytes += packet->num_bytes();
  const bool is_in_transfer = idle_s < static_cast<double>(num_bytes) / kSlowLink;
  const double seconds = std::clamp(idle_s / 8, kShortest, is_in_transfer ? kLongestInTransfer : kLongest);
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return has_work_ || is_stopping_; });
  return is_stopping_;
}

}  // namespace reckon
