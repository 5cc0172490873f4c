#include "inbox.h"

#include <algorithm>
#include <chrono>

#include "wait_clock.h"

namespace reckon {

template <class IsOver>
bool Inbox::wait_locked(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                        double seconds, IsOver is_over) {
  // In pieces, so that the clock sees where the process was stopped.
  constexpr double kPiece = 0.1;
  WaitClock clock;
  while (!is_over()) {
    const double left = seconds - clock.look();
    if (left <= 0.0) return false;
    condition.wait_for(lock, std::chrono::duration<double>(std::min(left, kPiece)));
  }
  return true;
}

bool Inbox::reserve_locked(std::size_t bytes) {
  const std::size_t size = bytes + kMessageOverhead;
  if (bytes_ > 0 && bytes_ + size > limit_) return false;
  bytes_ += size;
  return true;
}

bool Inbox::reserve(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return reserve_locked(bytes);
}

bool Inbox::reserve_within(std::size_t bytes, double seconds) {
  std::unique_lock lock(mutex_);
  return wait_locked(lock, has_room_, seconds, [&] { return reserve_locked(bytes); });
}

void Inbox::put(Message message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  came_.notify_one();
}

void Inbox::close(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  closed_ = reason;
  came_.notify_all();
}

std::optional<Message> Inbox::take_locked() {
  if (messages_.empty()) {
    if (closed_) throw Error(ExitCode::internal, *closed_);
    return std::nullopt;
  }
  std::optional<Message> message(std::move(messages_.front()));
  messages_.pop_front();
  bytes_ -= message->bytes.size() + kMessageOverhead;
  has_room_.notify_all();
  return message;
}

std::optional<Message> Inbox::take() {
  const std::lock_guard lock(mutex_);
  return take_locked();
}

Message Inbox::wait(const std::string& for_what, double seconds) {
  std::unique_lock lock(mutex_);
  std::optional<Message> message;
  if (!wait_locked(lock, came_, seconds, [&] { return (message = take_locked()).has_value(); })) {
    throw Error(ExitCode::internal, "waited " + in_seconds(seconds) + " for " + for_what);
  }
  return std::move(*message);
}

std::optional<Message> Inbox::wait_for(double seconds) {
  std::unique_lock lock(mutex_);
  std::optional<Message> message;
  (void)wait_locked(lock, came_, seconds,
                    [&] { return (message = take_locked()).has_value() || std::exchange(is_woken_, false); });
  return message;
}

void Inbox::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  came_.notify_all();
}

}  // namespace reckon
