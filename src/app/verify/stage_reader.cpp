#include "stage_reader.h"

#include <algorithm>
#include <cstdio>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// The numbers of `rank-00003.000012` and what follows; false where the name is no segment's.
bool parse_segment_name(const std::string& name, unsigned long long& rank, unsigned long long& number,
                        std::string& ending) {
  int used = 0;
  if (std::sscanf(name.c_str(), "rank-%5llu.%6llu%n", &rank, &number, &used) != 2) return false;
  ending = name.substr(static_cast<std::size_t>(used));
  char again[64];
  std::snprintf(again, sizeof again, "rank-%05llu.%06llu", rank, number);
  return name == again + ending;
}

bool is_manifest_name(const std::string& name) {
  unsigned long long rank = 0;
  if (std::sscanf(name.c_str(), "manifest-rank-%5llu.jsonl", &rank) != 1) return false;
  char again[64];
  std::snprintf(again, sizeof again, "manifest-rank-%05llu.jsonl", rank);
  return name == again;
}

std::string prompt_digest(const Prompt& prompt) {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(std::to_string(text.size()) + ":" + text); };
  add(std::to_string(prompt.id) + " " + std::to_string(prompt.level));
  for (const std::string* text : {&prompt.task, &prompt.text, &prompt.gold, &prompt.spec, &prompt.source})
    add(*text);
  hash.update_values(std::span<const std::uint32_t>(prompt.token_ids));
  return hash.hex_digest();
}

}  // namespace

LogFolder read_log_folder(const fs::path& folder) {
  LogFolder files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    unsigned long long rank = 0, number = 0;
    std::string ending;
    if (name.ends_with(".tmp")) {
      files.leftovers.push_back(name);
    } else if (parse_segment_name(name, rank, number, ending) && (ending == ".h5" || ending == ".h5.part")) {
      LogFolder::Segment& segment = files.ranks[rank][number];
      if (!segment.file.empty()) segment.part_beside = true;
      if (segment.file.empty() || ending == ".h5") segment.file = entry.path();
    } else if (!is_manifest_name(name)) {
      files.strangers.push_back(name);
    }
  }
  std::ranges::sort(files.strangers);
  return files;
}

StageReader::StageReader(const LogFolder& folder, Check& check, Inspect inspect)
    : check_(check), inspect_(std::move(inspect)) {
  for (const auto& [number, segments] : folder.ranks) {
    Rank rank;
    rank.number = number;
    for (const auto& [segment, place] : segments) rank.files.push_back(place.file);
    std::ranges::reverse(rank.files);
    ranks_.push_back(std::move(rank));
  }
  for (Rank& rank : ranks_) advance(rank);
}

/// Opens the next segment of a rank that can be opened.
void StageReader::open(Rank& rank) {
  rank.reader.reset();
  while (!rank.files.empty() && rank.reader == nullptr) {
    const fs::path file = rank.files.back();
    rank.files.pop_back();
    rank.name = file.filename().string();
    rank.index = 0;
    try {
      rank.reader = open_segment(file);
      inspect_(file, *rank.reader);
    } catch (const std::exception& error) {
      check_.fail(error.what());
      damaged_ = true;
      seen_[rank.name].damaged = true;
      rank.reader.reset();
      continue;
    }
    if (rank.reader->info().rank != rank.number)
      check_.fail(rank.name + ": says that it is of rank " + std::to_string(rank.reader->info().rank));
    seen_[rank.name].number = rank.reader->segment();
  }
}

void StageReader::count(const Rank& rank) {
  SegmentSeen& seen = seen_[rank.name];
  ++seen.steps;
  for (const Group& group : rank.step->batch.groups) {
    seen.prompts.insert(prompt_digest(group.prompt));
    seen.completions += group.completions.size();
    for (const Completion& completion : group.completions) seen.tokens += completion.token_ids.size();
  }
}

void StageReader::advance(Rank& rank) {
  rank.step.reset();
  if (rank.reader == nullptr) open(rank);
  while (rank.reader != nullptr && !rank.step) {
    if (rank.index == rank.reader->num_steps()) {
      open(rank);
      continue;
    }
    try {
      rank.step = rank.reader->read(rank.index++);
    } catch (const std::exception& error) {
      check_.fail(error.what());
      damaged_ = true;
      seen_[rank.name].damaged = true;
      open(rank);
      continue;
    }
    count(rank);
    const std::uint64_t number = rank.step->batch.step;
    if (rank.last && number <= *rank.last) {
      check_.fail(rank.name + ": step " + std::to_string(number) + " comes after step " +
                  std::to_string(*rank.last) + " (need ascending steps)");
      rank.step.reset();  // it has no place of its own
    } else {
      rank.last = number;
    }
  }
}

std::optional<LoggedStep> StageReader::next() {
  std::optional<std::uint64_t> number;
  for (const Rank& rank : ranks_) {
    if (rank.step && (!number || rank.step->batch.step < *number)) number = rank.step->batch.step;
  }
  if (!number) return {};
  LoggedStep step{.number = *number, .parts = {}};
  for (Rank& rank : ranks_) {
    if (!rank.step || rank.step->batch.step != *number) continue;
    step.parts.push_back({rank.name, std::move(*rank.step)});
    advance(rank);
  }
  return step;
}

}  // namespace reckon
