# What `cmake --install` gives: headers, the runtime library, a CMake package (find_package(memopt), target
# memopt::runtime), a pkg-config file, the tools and the Python script that makes example networks.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/memopt)
install(TARGETS memopt_runtime EXPORT memoptTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT memoptTargets NAMESPACE memopt:: DESTINATION ${package_dir})
install(DIRECTORY runtime/include/memopt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
configure_package_config_file(cmake/memoptConfig.cmake.in ${CMAKE_BINARY_DIR}/memoptConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/memoptConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/memoptConfig.cmake ${CMAKE_BINARY_DIR}/memoptConfigVersion.cmake
  DESTINATION ${package_dir})
configure_file(cmake/memopt.pc.in ${CMAKE_BINARY_DIR}/memopt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/memopt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
