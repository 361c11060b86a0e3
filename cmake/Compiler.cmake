# What every target of the project is compiled with.
# Warnings are fatal but in a project that embeds this one; packagers switch that off with
# `cmake --compile-no-warning-as-error`.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS ON)

add_compile_options(-Wall -Wextra -Wshadow -Wconversion)
if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
    set(CMAKE_COMPILE_WARNING_AS_ERROR ${PROJECT_IS_TOP_LEVEL})
endif()

# A program that calls allocation functions by their libc names, and whose calls the compiler must
# neither remove nor merge: the library itself, the tests and the benchmark.
add_library(mallow_no_builtin INTERFACE)
target_compile_options(mallow_no_builtin INTERFACE
    -fno-builtin-malloc
    -fno-builtin-calloc
    -fno-builtin-realloc
    -fno-builtin-free
    -fno-builtin-memalign
    -fno-builtin-aligned_alloc
    -fno-builtin-posix_memalign
    -fno-builtin-valloc
    -fno-builtin-pvalloc)
