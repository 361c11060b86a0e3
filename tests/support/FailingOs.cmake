# Links a core to an operating system whose calls can fail, or whose pages are larger: see
# tests/inject.

set(os_calls reserve commit extend break_move protect purge map unmap remap move_pages advise_huge
    reserve_at discard mark unmark remap_in_place remap_to
    unprotect)

# failing_os(TARGET) makes the linker redirect the core's calls to failing_os.c, which passes them
# to limited_os.c and paged_os.c.
function(failing_os target)
    set(here ${PROJECT_SOURCE_DIR}/tests/inject)
    target_sources(${target} PRIVATE
        ${here}/failing_os.c ${here}/limited_os.c ${here}/paged_os.c)
    target_include_directories(${target} PRIVATE ${here} ${PROJECT_SOURCE_DIR}/tests/support)
    foreach(call ${os_calls} page_size)
        target_link_options(${target} PRIVATE -Wl,--wrap=os_${call})
    endforeach()
endfunction()

# with_larger_pages(TEST COMMAND...) adds TEST.page16k and TEST.page64k, with pages of these sizes.
function(with_larger_pages test)
    vary(${test} page16k MALLOW_TEST_PAGE=16384 ${ARGN})
    vary(${test} page64k MALLOW_TEST_PAGE=65536 ${ARGN})
endfunction()
