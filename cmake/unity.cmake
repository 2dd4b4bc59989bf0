# memopt_unity(TARGET): compiles the sources of a target in groups, several as one file. With sanitizers and coverage most of
# the time goes into what all of them instantiate of the C++ library.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
function(memopt_unity target)
  get_target_property(names ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  list(FILTER names INCLUDE REGEX "^[^$]*\\.cc$")
  set(sources)
  foreach(name ${names})
    cmake_path(ABSOLUTE_PATH name BASE_DIRECTORY ${folder} OUTPUT_VARIABLE source)
    list(APPEND sources ${source})
  endforeach()
  execute_process(COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/unity_groups.py 12 ${sources}
                  OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(STRIP "${lines}" lines)
  string(REPLACE "\n" ";" lines "${lines}")
  foreach(line ${lines})
    string(REGEX MATCH "^([0-9]+) (.*)$" _ "${line}")
    set_source_files_properties(${CMAKE_MATCH_2} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # Which names meet is known to the configuration.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/scripts/tidy)
endfunction()
