# place_functions(TARGET LIST) orders the code of a shared library. LIST names the functions, and
# constants, of each part; a part is a segment of its own:
#
#     near     what small programs run
#     start    what is needed only at the start, and is given back then
#     warm     what ordinary programs run as well
#     far      everything else; not listed
#
# The kernel maps 64 KiB or more of a file at the first access, but never beyond a segment. A small
# program therefore has little of the library in memory. Needs GNU ld; without it, the library works,
# but takes more memory. With -DMALLOW_PLACES=OFF, the linker orders functions as usual.
include(CheckLinkerFlag)

# The compiler appends a suffix to the names of copies, after a dot.
function(placement_sections out part list)
    file(STRINGS ${list} lines REGEX "^${part} ")
    set(prefixes ${ARGN})
    set(text)
    foreach(line IN LISTS lines)
        string(REPLACE "${part} " "" name "${line}")
        foreach(prefix IN LISTS prefixes)
            string(APPEND text "    *(${prefix}${name} ${prefix}${name}.*)\n")
        endforeach()
    endforeach()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(place_functions target list)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
    foreach(part near start warm)
        placement_sections(${part}_code ${part} ${list}
            .text. .text.unlikely. .text.startup. .text.exit. .text.hot.)
        placement_sections(${part}_constants ${part} ${list} .rodata.)
    endforeach()
    set(script ${CMAKE_CURRENT_BINARY_DIR}/placement.ld)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/placement.ld.in ${script} @ONLY)

    set(CMAKE_REQUIRED_LINK_OPTIONS -shared)
    check_linker_flag(C "-Wl,-T,${PROJECT_SOURCE_DIR}/cmake/placement.test.ld" MALLOW_PLACES)
    if(NOT MALLOW_PLACES)
        message(WARNING "the linker cannot order the library's code: "
            "each process will have more of it in memory")
        return()
    endif()
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
    target_compile_definitions(${target} PRIVATE MALLOW_PLACED)
    target_link_options(${target} PRIVATE -Wl,-T,${script})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
endfunction()
