#include "packet_streams.h"

#include <algorithm>

namespace reckon {

void OutgoingPacket::start(MPI_Comm comm) {
  check_mpi(MPI_Issend(head_.data(), static_cast<int>(head_.size()), MPI_BYTE, to_, head_tag(channel_), comm,
                       &requests_[0]),
            "send");
  if (packet_.is_inline()) return;
  check_mpi(MPI_Issend(packet_.payload->data(), static_cast<int>(packet_.size), MPI_BYTE, to_,
                       payload_tag(channel_), comm, &requests_[1]),
            "send");
}

bool OutgoingPacket::advance() {
  int is_done = 0;
  check_mpi(MPI_Testall(2, requests_, &is_done, MPI_STATUSES_IGNORE), "send");
  return is_done != 0;
}

bool IncomingChannel::take_head() {
  if (!first_) {
    int is_there = 0, length = 0;
    MPI_Message message;
    MPI_Status status;
    check_mpi(MPI_Improbe(MPI_ANY_SOURCE, head_tag(channel_), comm_, &is_there, &message, &status),
              "receive");
    if (is_there == 0) return false;
    MPI_Get_count(&status, MPI_BYTE, &length);
    first_ = std::make_unique<Arriving>();
    first_->sender = status.MPI_SOURCE;
    first_->head.resize(static_cast<std::size_t>(length));
    check_mpi(MPI_Imrecv(first_->head.data(), length, MPI_BYTE, &message, &first_->request), "receive");
  }
  int is_done = 0;
  check_mpi(MPI_Test(&first_->request, &is_done, MPI_STATUS_IGNORE), "receive");
  if (is_done == 0) return false;
  std::optional<Packet> packet = from_head(first_->head);
  if (!packet) {
    throw Error(ExitCode::internal, "message port: got " + std::to_string(first_->head.size()) +
                                        " bytes from rank " + std::to_string(first_->sender) +
                                        " that are no message");
  }
  first_->packet = std::move(*packet);
  has_head_ = true;
  return true;
}

bool IncomingChannel::start_payload(bool may_pass_on) {
  if (!may_pass_on && !first_->packet.route.empty()) return false;
  if (!inbox_.reserve(first_->packet.size)) return false;
  Packet& packet = first_->packet;
  if (packet.is_inline()) {
    first_->is_done = true;
  } else {
    packet.payload = std::make_shared<std::string>(packet.size, '\0');
    check_mpi(MPI_Irecv(packet.payload->data(), static_cast<int>(packet.size), MPI_BYTE, first_->sender,
                        payload_tag(channel_), comm_, &first_->request),
              "receive");
  }
  arriving_.push_back(std::move(first_));
  has_head_ = false;
  return true;
}

bool IncomingChannel::finish(const Deliver& deliver) {
  bool has_moved = false;
  std::vector<int> waiting_senders;  // whose packets that came later must wait for one that is not done
  std::erase_if(arriving_, [&](std::unique_ptr<Arriving>& arriving) {
    if (!arriving->is_done) {
      int is_done = 0;
      check_mpi(MPI_Test(&arriving->request, &is_done, MPI_STATUS_IGNORE), "receive");
      arriving->is_done = is_done != 0;
    }
    const int sender = arriving->sender;
    if (!arriving->is_done || std::count(waiting_senders.begin(), waiting_senders.end(), sender) > 0) {
      waiting_senders.push_back(sender);
      return false;
    }
    has_moved = true;
    deliver(std::move(arriving->packet));
    return true;
  });
  return has_moved;
}

bool IncomingChannel::advance(bool may_pass_on, const Deliver& deliver) {
  bool has_moved = false;
  while ((has_head_ || take_head()) && start_payload(may_pass_on)) has_moved = true;
  return finish(deliver) || has_moved;
}

std::size_t IncomingChannel::num_bytes() const {
  std::size_t bytes = 0;
  for (const auto& arriving : arriving_) bytes += arriving->packet.size;
  return bytes;
}

}  // namespace reckon
