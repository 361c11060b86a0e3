# The compiler flags of all targets. Only ./check makes warnings fatal, by setting
# CMAKE_COMPILE_WARNING_AS_ERROR, so that a newer compiler never breaks a user's build.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS ON)

add_compile_options(-Wall -Wextra -Wshadow -Wconversion)

# If a project that embeds this one has no build type or builds for debugging, the allocator is still
# optimised. Without optimisation it takes four times as long, and its tail calls become ordinary
# calls that return to Mallow instead of to the program, so that reports name the wrong caller.
if(NOT PROJECT_IS_TOP_LEVEL)
    add_compile_options($<$<OR:$<CONFIG:Debug>,$<STREQUAL:$<CONFIG>,>>:-O2>)
endif()

# For code that calls allocation functions by their libc names and whose calls the compiler must
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

# hide_internal_names(TARGET) makes hidden names of a static library local to it. Otherwise they
# would collide with those of the program. The library must consist of one object.
function(hide_internal_names target)
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden $<TARGET_FILE:${target}> VERBATIM)
endfunction()
