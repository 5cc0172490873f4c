# Everything comes from Debian packages, but LibTorch: the torch wheel, unpacked by scripts/bootstrap.sh.
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)

# The serial C library. Asked for by pkg-config: FindHDF5 prefers the parallel build where both stand.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial)
add_library(reckon_hdf5 INTERFACE)
target_link_libraries(reckon_hdf5 INTERFACE PkgConfig::HDF5)

if(RECKON_PROGRAM)
  find_package(tomlplusplus REQUIRED)
endif()

# Exact mathematics of the grader: rationals and polynomials (FLINT), balls (Arb), certified constants (Calcium).
# Debian's packages have no CMake or pkg-config files. Arb's and Calcium's headers stand in several folders.
if(RECKON_PROGRAM)
  find_path(FLINT_INCLUDE flint/fmpq.h REQUIRED)
  find_path(ARB_INCLUDE acb.h REQUIRED)
  find_path(CALCIUM_INCLUDE calcium/ca.h REQUIRED)
  find_path(ANTIC_INCLUDE antic/nf.h REQUIRED)
  find_library(FLINT_LIBRARY flint REQUIRED)
  find_library(ARB_LIBRARY flint-arb REQUIRED)
  find_library(CALCIUM_LIBRARY calcium REQUIRED)
  find_library(GMP_LIBRARY gmp REQUIRED)  # functions in FLINT's headers call it
  add_library(reckon_exact INTERFACE)
  target_include_directories(reckon_exact SYSTEM INTERFACE "${ARB_INCLUDE}" "${FLINT_INCLUDE}" "${FLINT_INCLUDE}/flint"
                                                           "${CALCIUM_INCLUDE}/calcium" "${ANTIC_INCLUDE}/antic")
  target_link_libraries(reckon_exact INTERFACE "${CALCIUM_LIBRARY}" "${ARB_LIBRARY}" "${FLINT_LIBRARY}"
                                               "${GMP_LIBRARY}")
endif()

if(RECKON_TORCH)
  set(torch_root "${RECKON_TORCH_DIR}/torch")
  if(NOT EXISTS "${torch_root}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "LibTorch is not in ${RECKON_TORCH_DIR}. Run scripts/bootstrap.sh.")
  endif()
  # No find_package(Torch): on the wheel's CUDA build it asks for a CUDA toolkit even where only the CPU
  # libraries are linked. SYSTEM: the wheel's headers do not pass our warnings.
  add_library(reckon_torch INTERFACE)
  target_include_directories(reckon_torch SYSTEM INTERFACE "${torch_root}/include"
                                                           "${torch_root}/include/torch/csrc/api/include")
  target_link_libraries(reckon_torch INTERFACE "${torch_root}/lib/libtorch_cpu.so" "${torch_root}/lib/libc10.so"
                                               Threads::Threads)
  if(RECKON_CUDA)
    # Flash attention is called through the dispatcher, and the linker would see no use of the library.
    target_include_directories(reckon_torch SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
    target_link_libraries(reckon_torch INTERFACE "-Wl,--no-as-needed" "${torch_root}/lib/libtorch_cuda.so"
                                                 "${torch_root}/lib/libc10_cuda.so" "-Wl,--as-needed")
  endif()
  # The wheel's libraries name libcudart and libcupti with a path relative to themselves.
  target_link_options(reckon_torch INTERFACE -Wl,--allow-shlib-undefined
                                             "-Wl,-rpath-link,${RECKON_TORCH_DIR}/nvidia/cu13/lib")
endif()
