#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "reckon/dist/message_port.h"

namespace reckon {

/// Messages of one channel that have come and were not read yet. Bounded; for threads that put in and take
/// out.
class Inbox {
 public:
  explicit Inbox(std::size_t limit_bytes) : limit_(limit_bytes) {}

  /// Room for a message of this size, where there is some or where nothing else is there. \return whether
  /// there is
  [[nodiscard]] bool reserve(std::size_t bytes);
  /// The same; waits for the room. \return whether it came in time
  [[nodiscard]] bool reserve_within(std::size_t bytes, double seconds);
  /// Puts in a message for which room was reserved.
  void put(Message message);
  /// No message comes any more: whoever waits gets an error with this text, once the inbox is empty.
  void close(const std::string& reason);

  /// The oldest message. \throws Error(internal) where there is none and the inbox was closed
  [[nodiscard]] std::optional<Message> take();
  /// Waits for one. \param for_what  for the message \throws Error(internal) after so many seconds
  [[nodiscard]] Message wait(const std::string& for_what, double seconds);
  /// Waits for so long, or until wake().
  [[nodiscard]] std::optional<Message> wait_for(double seconds);
  void wake();

  /// What a message counts for beside its bytes: many empty ones are bounded as well.
  static constexpr std::size_t kMessageOverhead = 64;

 private:
  [[nodiscard]] bool reserve_locked(std::size_t bytes);
  [[nodiscard]] std::optional<Message> take_locked();
  /// Waits for `is_over`, which is asked under the lock. \return what it said last
  template <class IsOver>
  bool wait_locked(std::unique_lock<std::mutex>& lock, std::condition_variable& condition, double seconds,
                   IsOver is_over);

  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable came_, has_room_;
  std::deque<Message> messages_;
  std::size_t bytes_ = 0;  ///< of messages and of what room was reserved for
  bool is_woken_ = false;
  std::optional<std::string> closed_;
};

}  // namespace reckon
