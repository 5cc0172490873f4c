# The preset cuda: kernels/<op>.cu, one op a file, for sm_80, sm_90 and sm_100. Nothing in kernels/ yet: the preset then asks for
# a CUDA compiler and builds the CPU program.
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
file(GLOB kernel_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cu")
if(kernel_sources)
  add_library(reckon_kernels OBJECT ${kernel_sources})
  set_target_properties(reckon_kernels PROPERTIES CUDA_ARCHITECTURES "80-real;90-real;100-real")
else()
  message(STATUS "RECKON_CUDA: kernels/ has no .cu files; the program runs on the CPU")
endif()
