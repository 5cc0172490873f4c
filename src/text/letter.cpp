#include "reckon/text/letter.h"

#include "unicode.h"

namespace reckon {

bool is_letter(char32_t code_point) {
  static const CodePointSet letters = general_category("L").value();
  return letters.contains(code_point);
}

}  // namespace reckon
