#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reckon/dist/communicator.h"

namespace reckon {

/// An exchange of which all has come.
class FinishedExchange final : public PendingExchange {
 public:
  explicit FinishedExchange(std::vector<std::string> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] bool is_done() override { return true; }
  [[nodiscard]] std::vector<std::string> wait() override { return std::move(parts_); }

 private:
  std::vector<std::string> parts_;
};

}  // namespace reckon
