# What `cmake --install` gives: headers, the runtime library, a CMake package (find_package(memopt), target
# memopt::runtime), a pkg-config file, the tools and the Python script that makes example networks.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/memopt)
install(TARGETS memopt_runtime EXPORT memoptTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT memoptTargets NAMESPACE memopt:: DESTINATION ${package_dir})
install(DIRECTORY runtime/include/memopt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# What the C++ compiler links that the C compiler does not.
set(memopt_cxx_libraries ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_ITEM memopt_cxx_libraries ${CMAKE_C_IMPLICIT_LINK_LIBRARIES})
list(TRANSFORM memopt_cxx_libraries PREPEND -l OUTPUT_VARIABLE memopt_pc_cxx)
list(JOIN memopt_pc_cxx " " memopt_pc_cxx)
file(RELATIVE_PATH memopt_pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_package_config_file(cmake/memoptConfig.cmake.in ${CMAKE_BINARY_DIR}/memoptConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/memoptConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/memoptConfig.cmake ${CMAKE_BINARY_DIR}/memoptConfigVersion.cmake
  DESTINATION ${package_dir})
configure_file(cmake/memopt.pc.in ${CMAKE_BINARY_DIR}/memopt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/memopt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
