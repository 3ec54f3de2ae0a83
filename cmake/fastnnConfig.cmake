# find_package(fastnn) -> the target fastnn::fastnn
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/fastnnTargets.cmake")
