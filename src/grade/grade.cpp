#include "reckon/grade/grade.h"

#include "reckon/grade/number.h"

namespace reckon {

Grade grade_answer(std::string_view gold, std::string_view pred) {
  return compare_numbers(gold, pred);
}

}  // namespace reckon
