# Test programs that run with the library preloaded, as any program does.

include(${CMAKE_CURRENT_LIST_DIR}/Variants.cmake)
find_package(Threads REQUIRED)

# preloaded_program(GROUP SOURCE) builds the program GROUP_NAME from one source file.
function(preloaded_program group source)
    cmake_path(GET source STEM name)
    add_executable(${group}_${name} ${source})
    target_include_directories(${group}_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
    # Clang assumes that an allocation by libc succeeds, even if -fno-builtin-NAME hides each name.
    target_compile_options(${group}_${name} PRIVATE
        $<$<C_COMPILER_ID:Clang>:-fno-builtin>
        $<$<COMPILE_LANGUAGE:CXX>:-fsized-deallocation>)
    target_link_libraries(${group}_${name} PRIVATE mallow_no_builtin Threads::Threads)
endfunction()

# preloaded_run(GROUP NAME [ARGUMENT...]) adds a test that runs the program under the library, and
# the test's variants (see Variants.cmake). MALLOW_TESTS_LARGE is a regular expression for the tests
# that do not fit into a small address space.
function(preloaded_run group name)
    string(GENEX_STRIP "${ARGN}" arguments)
    list(JOIN arguments . arguments)
    if(NOT arguments STREQUAL "")
        string(PREPEND arguments .)
    endif()
    set(test ${group}.${name}${arguments})
    add_test(NAME ${test} COMMAND ${group}_${name} ${ARGN})
    set_tests_properties(${test} PROPERTIES
        ENVIRONMENT LD_PRELOAD=$<TARGET_FILE:mallow_shared>
        SKIP_RETURN_CODE 77
        TIMEOUT 900)
    at_break(${test} ${group}_${name} ${ARGN})
    in_modes(${test} ${group}_${name} ${ARGN})
    if(NOT test MATCHES "^(${MALLOW_TESTS_LARGE})")
        in_small_space(${test} $<TARGET_FILE:${group}_${name}> ${ARGN})
    endif()
endfunction()

# preloaded_test(GROUP SOURCE) builds the program and adds its test.
function(preloaded_test group source)
    preloaded_program(${group} ${source})
    cmake_path(GET source STEM name)
    preloaded_run(${group} ${name})
endfunction()
