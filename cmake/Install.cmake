# The rules of `cmake --install`. Installed files refer to each other by relative paths, so that the
# installation can be moved.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mallow)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(completions ${PROJECT_SOURCE_DIR}/completions)

install(TARGETS mallow)
install(TARGETS mallow_serve mallow_replay
    DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mallow) # run by the command
install(TARGETS mallow_check mallow_record LIBRARY) # preloaded by the command, never linked
install(TARGETS mallow_shared mallow_static mallow_memory mallow_memory_static mallow_trace
    EXPORT mallow)
install(DIRECTORY include/ TYPE INCLUDE)

install(EXPORT mallow NAMESPACE mallow:: DESTINATION ${package_dir} FILE mallowConfig.cmake)
write_basic_package_version_file(mallowConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mallowConfigVersion.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH prefix_from_pcfiledir
    ${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir} ${CMAKE_INSTALL_PREFIX})
foreach(package mallow mallow-memory mallow-trace)
    configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${package}.pc DESTINATION ${pkgconfig_dir})
endforeach()

install(FILES docs/man/mallow.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/mallow.3 docs/man/mallow-arena.3 docs/man/mallow-bytes.3
    docs/man/mallow-lock.3 docs/man/mallow-map.3 docs/man/mallow-scratch.3
    docs/man/mallow-secret.3 docs/man/mallow-shared.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES docs/man/mallow-profile.5 docs/man/mallow-trace.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES docs/man/mallow.7 docs/man/mallow-choosing.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
install(FILES ${completions}/mallow.bash RENAME mallow
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completions}/_mallow
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${completions}/mallow.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
