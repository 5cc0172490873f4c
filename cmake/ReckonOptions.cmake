# Flags that every target of reckon is compiled with: link reckon_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(reckon_options INTERFACE)
target_compile_options(reckon_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow $<$<BOOL:${RECKON_WERROR}>:-Werror>)
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
