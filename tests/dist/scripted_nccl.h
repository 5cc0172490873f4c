#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/dist/nccl_calls.h"

namespace reckon::testing {

/// What a call answers: those in `first`, one a call, then always `then`.
struct NcclAnswers {
  std::vector<NcclResult> first;
  NcclResult then;
  std::size_t num_given = 0;

  NcclResult next() { return num_given < first.size() ? first[num_given++] : then; }
};

/// What a ScriptedNccl answers, and what was asked of it. Outlives it.
struct NcclScript {
  NcclAnswers make_id, init, state, collective, record, query, finalize;
  std::string version = "2.28.9";
  std::string last_error;
  NcclId made_id{};                ///< by rank 0
  NcclId init_id{};                ///< that init() was given
  std::vector<std::string> calls;  ///< but state(), query() and the clock
  int num_events = 0;              ///< made and not released
  double now_s = 1000.0;           ///< moves on in pause(), and where held up
  double longest_pause_s = 0.0;
  double held_up_s = 0.0;  ///< how long after each state() and query()

  [[nodiscard]] int count(const std::string& call) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), call));
  }
};

/// A library that moves no data: it answers as its script says, and its clock runs only while it is waited
/// for.
class ScriptedNccl final : public NcclCalls {
 public:
  explicit ScriptedNccl(NcclScript& script) : script_(script) {}

  [[nodiscard]] std::string version() override { return script_.version; }
  NcclResult make_id(NcclId& id) override {
    id = script_.made_id;
    return noted("make_id", script_.make_id);
  }
  NcclResult init(const NcclId& id, int rank, int size, int num_channels) override {
    script_.init_id = id;
    return noted("init " + std::to_string(rank) + "/" + std::to_string(size) + " channels " +
                     std::to_string(num_channels),
                 script_.init);
  }
  NcclResult state() override {
    script_.now_s += script_.held_up_s;
    return script_.state.next();
  }
  std::string last_error() override { return script_.last_error; }
  NcclResult all_reduce_sum(float*, std::size_t count, Stream) override {
    return noted("all_reduce_sum " + std::to_string(count), script_.collective);
  }
  NcclResult reduce_sum(float*, std::size_t count, int root, Stream) override {
    return noted("reduce_sum " + std::to_string(count) + " to " + std::to_string(root), script_.collective);
  }
  NcclResult broadcast(void*, std::size_t bytes, int root, Stream) override {
    return noted("broadcast " + std::to_string(bytes) + " from " + std::to_string(root), script_.collective);
  }
  NcclResult all_gather(void*, std::size_t bytes, Stream) override {
    return noted("all_gather " + std::to_string(bytes), script_.collective);
  }
  NcclResult reduce_scatter_sum(float*, std::size_t count, Stream) override {
    return noted("reduce_scatter_sum " + std::to_string(count), script_.collective);
  }
  NcclResult finalize() override { return noted("finalize", script_.finalize); }
  void destroy() override { script_.calls.emplace_back("destroy"); }
  void abort() override { script_.calls.emplace_back("abort"); }
  NcclResult record(CudaEvent& event, Stream) override {
    if (event == nullptr) {
      ++script_.num_events;
      event = reinterpret_cast<CudaEvent>(&script_);  // never looked into
    }
    return noted("record", script_.record);
  }
  NcclResult query(CudaEvent) override {
    script_.now_s += script_.held_up_s;
    return script_.query.next();
  }
  void release(CudaEvent event) override { script_.num_events -= event == nullptr ? 0 : 1; }
  [[nodiscard]] double now_s() override { return script_.now_s; }
  void pause(double seconds) override {
    script_.longest_pause_s = std::max(script_.longest_pause_s, seconds);
    script_.now_s += std::max(seconds, 1e-6);
  }

 private:
  NcclResult noted(std::string call, NcclAnswers& answers) {
    script_.calls.push_back(std::move(call));
    return answers.next();
  }

  NcclScript& script_;
};

/// One rank of many, without the others: they say what this one says, but for what is set here.
class LoneRank final : public Communicator {
 public:
  LoneRank(int rank, int size) : rank_(rank), size_(size) {}
  /// What another rank gives to all_gather().
  void say(int rank, std::string text) {
    other_rank_ = rank;
    other_text_ = std::move(text);
  }
  /// What the root broadcasts, where it is another rank.
  void send(std::vector<std::byte> bytes) { sent_ = std::move(bytes); }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] std::string host(int rank) const override { return "host" + std::to_string(rank); }
  std::unique_ptr<PendingExchange> start_all_to_all(std::vector<std::string>) override { return nullptr; }
  std::unique_ptr<Communicator> split(int) override { return nullptr; }
  std::vector<std::string> all_gather(std::string_view bytes) override {
    std::vector<std::string> all(static_cast<std::size_t>(size_), std::string(bytes));
    if (other_rank_ >= 0) all[static_cast<std::size_t>(other_rank_)] = other_text_;
    return all;
  }
  std::vector<std::string> gather(std::string_view bytes, int) override { return all_gather(bytes); }
  void broadcast(std::span<std::byte> bytes, int root) override {
    if (root == rank_) return;
    std::fill(bytes.begin(), bytes.end(), std::byte{1});
    std::copy(sent_.begin(), sent_.end(), bytes.begin());
  }
  void barrier() override {}
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }

 private:
  int rank_, size_;
  int other_rank_ = -1;
  std::string other_text_;
  std::vector<std::byte> sent_;
};

}  // namespace reckon::testing
