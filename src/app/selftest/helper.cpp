#include "helper.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/json_lines.h"
#include "reckon/base/error.h"
#include "reckon/base/file_lock.h"
#include "reckon/base/philox.h"
#include "reckon/text/json.h"

namespace reckon::selftest {
namespace fs = std::filesystem;

using nlohmann::json;

namespace {

constexpr double kPatience = 60;  // seconds: a slow machine loads the program

}  // namespace

Helper::Helper()
    : child_({"/proc/self/exe", "selftest", kHelperOption},
             {.name = "selftest " + std::string(kHelperOption)}) {}

std::string Helper::ask(const std::string& request) {
  const ChildLine line = child_.exchange(request, kPatience);
  if (line.status == ChildStatus::line) return line.text;
  throw Error(ExitCode::internal,
              "the second process gave no answer to " + request + ": it " +
                  (line.status == ChildStatus::ended ? child_.end_text() : "was too slow"));
}

std::string lock_request(const fs::path& file) {
  return json{{"lock", file.string()}}.dump();
}

std::string log_request(const fs::path& folder, std::uint64_t steps) {
  return json{{"log", folder.string()}, {"steps", steps}}.dump();
}

void answer_requests() {
  std::unique_ptr<RolloutLogWriter> log;
  std::uint64_t steps = 0;
  read_json_lines(std::cin, "standard input", [&](const json& request, const std::string&) {
    if (request.contains("lock")) {
      write_line(FileLock::try_take(request.at("lock").get<std::string>()) ? "taken" : "refused");
    } else {
      if (log == nullptr) {
        RolloutLogInfo info;
        info.run_id = info.stage = "selftest";
        log = std::make_unique<RolloutLogWriter>(request.at("log").get<std::string>(), info,
                                                 small_step(0).reward_term_names);
      }
      for (; steps < request.at("steps").get<std::uint64_t>(); ++steps) log->append(small_step(steps), {});
      write_line("appended");
    }
    flush_output();
  });
}

RolloutBatch small_step(std::uint64_t number) {
  RandomStream random(7, static_cast<std::uint32_t>(number));
  RolloutBatch batch{.step = number, .temperature = 0.7F, .reward_term_names = {"accuracy"}, .groups = {}};
  for (std::uint64_t g = 0; g < 2; ++g) {
    Group group;
    group.prompt.id = 2 * number + g;
    group.prompt.task = "selftest";
    group.prompt.text = "1+" + std::to_string(g) + "=";
    group.prompt.token_ids = {1, 2, 3};
    group.group_id = 2 * number + g;
    for (std::uint32_t i = 0; i < 3; ++i) {
      Completion completion;
      completion.prompt_id = group.prompt.id;
      completion.group_id = group.group_id;
      completion.sample_index = i;
      for (std::uint32_t t = 0; t < 4 + 5 * i; ++t) {
        completion.token_ids.push_back(random.below(97));
        completion.sampler_logprob.push_back(static_cast<float>(-random.uniform()));
      }
      completion.text = "number " + std::to_string(random.below(1000));
      completion.reward_terms = {static_cast<float>(i % 2)};
      completion.reward = completion.reward_terms.front();
      group.completions.push_back(std::move(completion));
    }
    batch.groups.push_back(std::move(group));
  }
  return batch;
}

}  // namespace reckon::selftest
