#include "data_source.h"

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"

namespace reckon {

std::string data_source(const TaskConfig& task) {
  if (!task.path.empty()) return sha256_of_file(task.path);
  if (task.source.command.empty()) return "generated";
  std::string text = "program";
  for (const std::string& word : task.source.command) text += " " + in_quotes(word);
  return text;
}

}  // namespace reckon
