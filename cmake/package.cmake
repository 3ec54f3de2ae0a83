# The C++ package: headers, the static library, and what find_package(fastnn) reads. In a wheel it lies inside the Python
# package, where `python -m fastnn --cmake-dir` finds it.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
if(SKBUILD)
  set(headers fastnn/include)
  set(libraries fastnn/lib)
else()
  set(headers "${CMAKE_INSTALL_INCLUDEDIR}")
  set(libraries "${CMAKE_INSTALL_LIBDIR}")
endif()
set(package "${libraries}/cmake/fastnn")
set(version_file "${PROJECT_BINARY_DIR}/fastnnConfigVersion.cmake")

write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
install(TARGETS fastnn EXPORT fastnnTargets ARCHIVE DESTINATION "${libraries}" INCLUDES DESTINATION "${headers}")
install(DIRECTORY cpp/include/fastnn DESTINATION "${headers}")
install(EXPORT fastnnTargets NAMESPACE fastnn:: DESTINATION "${package}")
install(FILES cmake/fastnnConfig.cmake "${version_file}" DESTINATION "${package}")
