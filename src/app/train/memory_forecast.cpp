#include "memory_forecast.h"

#include "app/display.h"

namespace reckon {

MemoryForecast forecast_memory(const Recipe& recipe, const MemoryFacts& facts) {
  const plan::ModelShape shape = shape_of(facts.model, facts.num_logits);
  const plan::Placement placement{.workers = facts.ranks, .learners = facts.ranks, .sharding = kCpuSharding};
  const Precision precision(recipe.model.compute_dtype, recipe.model.kv_dtype);
  plan::MemoryTarget target{.kv_bytes = precision.kv == ComputeDtype::bfloat16 ? 2.0 : 4.0,
                            .program_mb = facts.program_mb,
                            .copies_for_checkpoints = facts.copies_for_checkpoints};
  MemoryForecast largest;
  for (const HeldWeights& held : held_weights(recipe)) {
    target.weight_sets = held.decoders;
    target.packed_sets = held.packed;
    const plan::StageLoad load = load_of(*held.stage, facts.lengths, 1);
    MemoryForecast here{held.stage->name,
                        plan::stage_memory(shape, load, placement, plan::Role::both, target)};
    if (here.total_mb() > largest.total_mb()) largest = std::move(here);
  }
  return largest;
}

std::string parts_text(const MemoryForecast& forecast) {
  std::string text;
  for (const plan::MemoryPart& part : forecast.parts) {
    if (part.mb < forecast.total_mb() / 100) continue;
    text += (text.empty() ? "" : ", ") + part.name + " " + fixed(part.mb, part.mb < 10 ? 1 : 0);
  }
  return text;
}

}  // namespace reckon
