#include "part_transfer.h"

#include <cstring>
#include <limits>

#include "mpi_tags.h"

namespace reckon {
namespace {

std::uint32_t as_length(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ExitCode::internal,
                "Communicator: a message of " + std::to_string(bytes) + " bytes (MPI takes 2^31 - 1)");
  }
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace

PartTransfer::PartTransfer(const Call& call, std::vector<std::string_view> parts)
    : call_(call), parts_(std::move(parts)) {
  start();
}

PartTransfer::PartTransfer(const Call& call, std::vector<std::string> parts)
    : call_(call), kept_(std::move(parts)), parts_(kept_.begin(), kept_.end()) {
  start();
}

void PartTransfer::start() {
  MPI_Comm_rank(call_.comm, &rank_);
  MPI_Comm_size(call_.comm, &size_);
  tag_ = exchange_tag(call_.number);
  if (parts_.size() != (call_.pattern == TransferPattern::all_to_all ? static_cast<std::size_t>(size_) : 1)) {
    throw Error(ExitCode::internal, "Communicator: " + std::to_string(parts_.size()) + " parts for " +
                                        std::to_string(size_) + " ranks (need one for each)");
  }
  for (const std::string_view part : parts_) my_slots_.push_back(slot_of(part));
  start_slots();
  send_long_parts();
}

PartTransfer::Slot PartTransfer::slot_of(std::string_view part) const {
  Slot slot;
  // A rank in a collective of MPI without a part leaves the zeros that stood in the slot: 0 is no call.
  slot.call = static_cast<std::uint32_t>(call_.number * 4 + static_cast<std::uint32_t>(call_.pattern)) + 1;
  slot.length = as_length(part.size());
  if (part.size() <= kInlineBytes) part.copy(slot.bytes.data(), part.size());
  return slot;
}

bool PartTransfer::sends_to(int rank) const {
  return rank != rank_ && (call_.pattern != TransferPattern::gather || rank == call_.root);
}

bool PartTransfer::receives() const {
  return call_.pattern != TransferPattern::gather || rank_ == call_.root;
}

void PartTransfer::start_slots() {
  const int bytes = sizeof(Slot);
  if (receives()) slots_.resize(static_cast<std::size_t>(size_));
  switch (call_.pattern) {
    case TransferPattern::all_gather:
      check_mpi(MPI_Iallgather(my_slots_.data(), bytes, MPI_BYTE, slots_.data(), bytes, MPI_BYTE, call_.comm,
                               &slots_request_),
                "all_gather");
      return;
    case TransferPattern::gather:
      check_mpi(MPI_Igather(my_slots_.data(), bytes, MPI_BYTE, slots_.data(), bytes, MPI_BYTE, call_.root,
                            call_.comm, &slots_request_),
                "gather");
      return;
    case TransferPattern::all_to_all:
      check_mpi(MPI_Ialltoall(my_slots_.data(), bytes, MPI_BYTE, slots_.data(), bytes, MPI_BYTE, call_.comm,
                              &slots_request_),
                "all_to_all");
      return;
  }
}

void PartTransfer::send_long_parts() {
  // Each rank begins with its neighbour, so that not all of them write to rank 0 first.
  for (int step = 1; step < size_; ++step) {
    const int to = (rank_ + step) % size_;
    const std::string_view part = parts_[parts_.size() == 1 ? 0 : static_cast<std::size_t>(to)];
    if (!sends_to(to) || part.size() <= kInlineBytes) continue;
    check_mpi(MPI_Isend(part.data(), static_cast<int>(part.size()), MPI_BYTE, to, tag_, call_.comm,
                        &requests_.emplace_back(MPI_REQUEST_NULL)),
              "send");
    num_bytes_ += part.size();
  }
}

void PartTransfer::receive_parts() {
  received_.resize(static_cast<std::size_t>(size_));
  if (!receives()) return;
  const std::uint32_t call = my_slots_[0].call;
  for (int from = 0; from < size_; ++from) {
    if (slots_[static_cast<std::size_t>(from)].call == call) continue;
    stranger_ = from;  // what else its slot holds means nothing
    return;
  }
  for (int step = 1; step < size_; ++step) {
    const auto from = static_cast<std::size_t>((rank_ - step + size_) % size_);
    const Slot& slot = slots_[from];
    if (slot.length <= kInlineBytes) {
      received_[from].assign(slot.bytes.data(), slot.length);
      continue;
    }
    received_[from].resize(slot.length);
    check_mpi(MPI_Irecv(received_[from].data(), static_cast<int>(slot.length), MPI_BYTE,
                        static_cast<int>(from), tag_, call_.comm, &requests_.emplace_back(MPI_REQUEST_NULL)),
              "receive");
    num_bytes_ += slot.length;
  }
}

bool PartTransfer::advance() {
  int is_done = 1;
  if (!slots_are_here_) {
    check_mpi(MPI_Test(&slots_request_, &is_done, MPI_STATUS_IGNORE), "slots");
    if (is_done == 0) return false;
    slots_are_here_ = true;
    receive_parts();
  }
  if (stranger_ >= 0 || requests_.empty()) return true;
  check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &is_done, MPI_STATUSES_IGNORE),
            "parts");
  if (is_done != 0) requests_.clear();
  return is_done != 0;
}

}  // namespace reckon
