# The preset cuda: nvcc and the CUDA toolkit. RECKON_CUDA_ARCHITECTURES names the GPUs: one is compiled in a third of the time of three.
set(RECKON_CUDA_ARCHITECTURES "80-real;90a-real;100-real" CACHE STRING "GPUs that the kernels are compiled for")
set(CMAKE_CUDA_ARCHITECTURES "${RECKON_CUDA_ARCHITECTURES}")
if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)
