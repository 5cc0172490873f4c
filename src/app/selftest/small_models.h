#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reckon/learn/train_sequence.h"
#include "reckon/model/decoder.h"

namespace reckon::selftest {

/// A random model of a family, with every part that the family has.
struct SmallModel {
  std::string name;  ///< "qwen3 float32"
  std::unique_ptr<Decoder> decoder;
};

/// Calls with a model of each family in each type that this machine multiplies in.
void for_each_model(const std::function<void(const SmallModel& model)>& check);

/// Random token ids of the models above: prompts that two neighbours share, lengths on both sides of the
/// block of sixteen.
class SmallSequences {
 public:
  SmallSequences();
  SmallSequences(const SmallSequences&) = delete;
  SmallSequences& operator=(const SmallSequences&) = delete;

  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& prompts() const { return prompts_; }
  [[nodiscard]] const std::vector<TrainSequence>& sequences() const { return sequences_; }

 private:
  std::vector<std::vector<std::uint32_t>> prompts_, completions_;
  std::vector<TrainSequence> sequences_;
};

}  // namespace reckon::selftest
