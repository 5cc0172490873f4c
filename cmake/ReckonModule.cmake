# reckon_add_module(NAME [DEPENDS module...] [LIBRARIES target...] [TORCH])
# Makes the library reckon::NAME of src/NAME/*.cpp and of the folders in it, with the public headers include/reckon/NAME/*.h.
# With RECKON_TORCH=OFF the modules marked TORCH are left out, with RECKON_PROGRAM=OFF those marked PROGRAM.
function(reckon_add_module name)
  cmake_parse_arguments(arg "TORCH;PROGRAM" "" "DEPENDS;LIBRARIES" ${ARGN})
  if((arg_TORCH AND NOT RECKON_TORCH) OR (arg_PROGRAM AND NOT RECKON_PROGRAM))
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp" "${PROJECT_SOURCE_DIR}/src/${name}/*/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/src/ops/kernels/")  # compiled for each instruction set: reckon_add_kernels
  if(NOT RECKON_CUDA)
    list(FILTER sources EXCLUDE REGEX "/src/gpu/torch/")  # kernels of LibTorch, which are for GPUs
  endif()
  list(FILTER sources EXCLUDE REGEX "/src/dist/cuda/")  # needs the CUDA toolkit: cmake/ReckonCuda.cmake
  list(TRANSFORM arg_DEPENDS PREPEND "reckon::")
  if(sources)
    set(scope PUBLIC)
    add_library(reckon_${name} STATIC ${sources})
    target_link_libraries(reckon_${name} PRIVATE reckon_options)
    # For the folders in it: they include the module's own headers without a path.
    target_include_directories(reckon_${name} PRIVATE "${PROJECT_SOURCE_DIR}/src/${name}")
  else()
    set(scope INTERFACE)
    add_library(reckon_${name} INTERFACE)
  endif()
  add_library(reckon::${name} ALIAS reckon_${name})
  target_include_directories(reckon_${name} ${scope} "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(reckon_${name} ${scope} ${arg_DEPENDS} ${arg_LIBRARIES})
  if(arg_TORCH)
    target_link_libraries(reckon_${name} ${scope} reckon_torch)
  endif()
endfunction()

# reckon_add_kernels(NAME MARCH): the inner loops of src/ops/kernels for one instruction set, in the namespace
# reckon::kernels_NAME. The program chooses when it starts (src/ops/isa.cpp). What they fuse they name (multiply_add).
# -O3 in every preset: their vectors must stay in registers. -Wno-psabi: they are passed between inlined functions only.
function(reckon_add_kernels name march)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/ops/kernels/*.cpp")
  add_library(reckon_kernels_${name} OBJECT ${sources})
  target_include_directories(reckon_kernels_${name} PRIVATE "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(reckon_kernels_${name} PRIVATE reckon_options)
  target_compile_definitions(reckon_kernels_${name} PRIVATE RECKON_KERNELS=kernels_${name})
  # The options of sources come last, behind reckon_options. GCC 12 takes the undefined vectors of its own intrinsics
  # for mistakes (GCC bug 105593).
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS
    "-O3;-fno-math-errno;-Wno-psabi;-Wno-maybe-uninitialized")
  target_compile_options(reckon_kernels_${name} PRIVATE -march=${march})
  target_sources(reckon_ops PRIVATE $<TARGET_OBJECTS:reckon_kernels_${name}>)
endfunction()
