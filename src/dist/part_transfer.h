#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_operation.h"

namespace reckon {

enum class TransferPattern : std::uint32_t {
  all_gather,  ///< one part, to every rank
  gather,      ///< one part, to the root
  all_to_all,  ///< a part for each rank
};

/// Parts of any length, from every rank to those that the pattern says. A collective of MPI brings a slot of
/// each part: its length, and its bytes where they fit. Longer parts go as messages of their own, out of the
/// caller's memory and into the strings that are returned. The part of this rank for itself is left out.
class PartTransfer final : public MpiOperation {
 public:
  struct Call {
    MPI_Comm comm = MPI_COMM_NULL;
    TransferPattern pattern = TransferPattern::all_gather;
    int root = 0;              ///< of gather
    std::uint64_t number = 0;  ///< of this collective on the communicator
  };
  /// Starts. \param parts  one, or one for each rank; the memory must stay until all is done
  PartTransfer(const Call& call, std::vector<std::string_view> parts);
  /// Of all_to_all, with memory that it keeps: whoever started it may go before it is done.
  PartTransfer(const Call& call, std::vector<std::string> parts);

  bool advance() override;
  [[nodiscard]] std::size_t num_bytes() const override { return num_bytes_; }
  /// A rank that was in another collective; -1 where there was none. When all is done.
  [[nodiscard]] int stranger() const { return stranger_; }
  /// [size of the communicator], empty where nothing comes from a rank. Once, when all is done.
  [[nodiscard]] std::vector<std::string> take() { return std::move(received_); }
  /// The part of this rank for itself, of those that are kept.
  [[nodiscard]] std::string take_own() { return std::move(kept_[static_cast<std::size_t>(rank_)]); }

 private:
  /// Parts of a few numbers, which are most, need no second message.
  static constexpr std::size_t kInlineBytes = 112;
  struct Slot {
    std::uint32_t call = 0;  ///< names the collective
    std::uint32_t length = 0;
    std::array<char, kInlineBytes> bytes{};
  };

  [[nodiscard]] Slot slot_of(std::string_view part) const;
  [[nodiscard]] bool sends_to(int rank) const;
  [[nodiscard]] bool receives() const;
  void start();
  void start_slots();
  void send_long_parts();
  void receive_parts();

  Call call_;
  int rank_ = 0, size_ = 1, tag_ = 0;
  std::vector<std::string> kept_;
  std::vector<std::string_view> parts_;
  std::vector<Slot> my_slots_, slots_;
  std::vector<std::string> received_;
  MPI_Request slots_request_ = MPI_REQUEST_NULL;
  std::vector<MPI_Request> requests_;
  std::size_t num_bytes_ = 0;
  int stranger_ = -1;
  bool slots_are_here_ = false;
};

}  // namespace reckon
