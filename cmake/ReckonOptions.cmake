# Flags that every target of reckon is compiled with: link reckon_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(reckon_options INTERFACE)
target_compile_options(reckon_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
# GCC 12 sees overlapping copies in std::string's own code (GCC bug 105651).
target_compile_options(reckon_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# The reckoning rule: the compiler may not choose between fused and separate multiply-add by context.
# The files of src/ops that want fused operations ask for them by name.
target_compile_options(reckon_options INTERFACE -ffp-contract=off)

if(RECKON_SANITIZE)
  target_compile_options(reckon_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                                                  -fno-omit-frame-pointer)
  target_link_options(reckon_options INTERFACE -fsanitize=address,undefined)
endif()

if(RECKON_FUZZ)
  # The sources report the branches they take, and stop at what the sanitizers see; the targets of tests/fuzz link libFuzzer.
  target_compile_options(reckon_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                                  -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
  target_link_options(reckon_options INTERFACE -fsanitize=address,undefined)
endif()

# Instruction set of the inner loops (src/ops). Both give the same bits; the program asks at its start for what it was
# built with. "auto" is the best that the building machine has.
set(RECKON_ISA "auto" CACHE STRING "x86-64-v3 (AVX2), x86-64-v4 (AVX-512) or auto")
if(RECKON_ISA STREQUAL "auto")
  file(READ /proc/cpuinfo cpuinfo)
  if(cpuinfo MATCHES "avx512vl" AND cpuinfo MATCHES "avx512bw" AND cpuinfo MATCHES "avx512dq")
    set(RECKON_ISA x86-64-v4)
  else()
    set(RECKON_ISA x86-64-v3)
  endif()
endif()
