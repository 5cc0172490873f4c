# reckon_add_kernel_module(NAME DEPENDS module...): kernels/<op>.cu behind include/reckon/NAME/*.h, as one library: compiled by nvcc
# with RECKON_CUDA, else by the C++ compiler for the emulator of kernels/emulator, which needs neither a GPU nor nvcc. What runs on the
# CPU in both is in kernels/host.
function(reckon_add_kernel_module name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  list(TRANSFORM arg_DEPENDS PREPEND "reckon::")
  file(GLOB kernels CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cu")
  file(GLOB host CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/host/*.cpp")
  if(RECKON_CUDA)
    file(GLOB runtime CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cpp")
    add_library(reckon_${name} STATIC ${kernels} ${runtime} ${host})
    # scripts/compile_kernels.sh reads them, too. -fmad=false: multiplications and additions are fused where a kernel says so (fmaf),
    # not where the compiler likes.
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/nvcc_flags")
    file(STRINGS "${PROJECT_SOURCE_DIR}/kernels/nvcc_flags" nvcc_flags)
    target_compile_options(reckon_${name} PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:${nvcc_flags}>" "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-ffp-contract=off>"
      "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${RECKON_WERROR}>>:-Werror>")
    target_link_libraries(reckon_${name} PUBLIC CUDA::cudart CUDA::cublasLt)
  else()
    set(emulated "")
    foreach(source ${kernels})
      cmake_path(GET source STEM op)
      set(wrapper "${PROJECT_BINARY_DIR}/emulated/${op}.cpp")
      file(CONFIGURE OUTPUT "${wrapper}" CONTENT "#include \"${op}.cu\"\n")
      list(APPEND emulated "${wrapper}")
    endforeach()
    file(GLOB emulator CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/emulator/*.cpp")
    add_library(reckon_${name} STATIC ${emulator} ${emulated} ${host})
    target_compile_definitions(reckon_${name} PUBLIC RECKON_EMULATE_CUDA)
    target_link_libraries(reckon_${name} PRIVATE reckon_options)
    # Threads switch hundreds of times a row: unoptimised, tests would take minutes. "#pragma unroll" is for nvcc.
    set_source_files_properties(${emulator} ${emulated} PROPERTIES COMPILE_OPTIONS "-O2;-Wno-unknown-pragmas")
  endif()
  target_include_directories(reckon_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/kernels")
  target_link_libraries(reckon_${name} PUBLIC ${arg_DEPENDS})
  add_library(reckon::${name} ALIAS reckon_${name})
endfunction()
