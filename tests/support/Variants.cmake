# Variants of a test: it runs again in another environment or mode. MALLOW_TESTS_ONCE is a regular
# expression for the variants that would take too long for what they add.

# vary(TEST SUFFIX VARIABLE COMMAND...) adds TEST.SUFFIX: it runs COMMAND with the properties of
# TEST, and with VARIABLE (NAME=VALUE, or empty) in its environment.
function(vary test suffix variable)
    if(MALLOW_TESTS_ONCE AND test MATCHES "^(${MALLOW_TESTS_ONCE})$")
        return()
    endif()
    add_test(NAME ${test}.${suffix} COMMAND ${ARGN})
    foreach(property TIMEOUT SKIP_RETURN_CODE)
        get_test_property(${test} ${property} value)
        if(value)
            set_tests_properties(${test}.${suffix} PROPERTIES ${property} ${value})
        endif()
    endforeach()
    get_test_property(${test} ENVIRONMENT environment)
    if(NOT environment)
        set(environment)
    endif()
    list(APPEND environment ${variable})
    set_tests_properties(${test}.${suffix} PROPERTIES ENVIRONMENT "${environment}")
endfunction()

# at_break(TEST COMMAND...) adds TEST.brk, which allocates at the program break.
function(at_break test)
    vary(${test} brk MALLOW_OPTIONS=backend=brk ${ARGN})
endfunction()

# in_small_space(TEST COMMAND...) adds TEST.small, which has 128 MiB of address space.
function(in_small_space test)
    vary(${test} small "" sh -c "ulimit -v 131072 && exec \"$@\"" sh ${ARGN})
endfunction()

# in_modes(TEST COMMAND...) adds TEST.MODE for each MODE in MALLOW_TESTS_MODES, unless TEST matches
# the regular expression MALLOW_TESTS_NOT_MODE: its checks do not hold in that mode by design, or
# take too long.
set(mallow_mode_full MALLOW_OPTIONS=check=full)
set(mallow_mode_hard MALLOW_OPTIONS=check=hard)
set(mallow_mode_seal MALLOW_OPTIONS=check=seal)
set(mallow_mode_guard MALLOW_OPTIONS=guard=1)
set(mallow_mode_few MALLOW_OPTIONS=guard=3)
set(mallow_mode_sampled MALLOW_OPTIONS=guard=50)
set(mallow_mode_zeroed MALLOW_OPTIONS=zero_on_free=on,randomize=on)
set(mallow_mode_asserted LD_PRELOAD=$<TARGET_FILE:mallow_asserted>)
set(mallow_mode_bounds LD_PRELOAD=$<TARGET_FILE:mallow_check>:$<TARGET_FILE:mallow_shared>)
function(in_modes test)
    set(MALLOW_TESTS_ONCE)
    foreach(mode ${MALLOW_TESTS_MODES})
        if(NOT test MATCHES "^(${MALLOW_TESTS_NOT_${mode}})$")
            vary(${test} ${mode} ${mallow_mode_${mode}} ${ARGN})
        endif()
    endforeach()
endfunction()
