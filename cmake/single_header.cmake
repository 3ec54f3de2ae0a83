# Puts the text of exported headers (docs/header.md) together, as a C++ constant for the Python module: the kernels go
# into cpp/single_header/model.hpp.in in place of @kernels@. Its $names are left for python/fastnn/exporters/header.py.
set(kernels "")
foreach(source  # each after the ones that it includes; scalar.hpp is there for simd.hpp
    core/chains.hpp include/fastnn/activation.hpp single_header/scalar.hpp
    kernels/tanh_table.hpp kernels/math.hpp kernels/log_table.hpp kernels/exponentials.hpp kernels/gelu_table.hpp
    kernels/gelu.hpp kernels/activations.hpp kernels/sums.hpp kernels/whole_rows.hpp single_header/one_row.hpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "cpp/${source}")
  file(READ "cpp/${source}" text)
  string(APPEND kernels "${text}")
endforeach()

# Comments go. So do includes, as model.hpp.in has the standard's, and what unrolls loops over registers: numbers one at
# a time do not need it, and not every compiler knows it.
string(REGEX REPLACE " *//[^\n]*|#include[^\n]*|#pragma once|#pragma GCC unroll (1[0-9]|[2-9])" "" kernels "${kernels}")
string(REGEX REPLACE "\n\n+" "\n" kernels "${kernels}")
string(REGEX REPLACE "namespace fastnn(::FASTNN_ISA)? {" "namespace detail {" kernels "${kernels}")
string(REPLACE "FASTNN_INLINE_LAMBDA " "" kernels "${kernels}")
string(REPLACE "FASTNN_INLINE " "inline " kernels "${kernels}")
string(STRIP "${kernels}" kernels)

set(single_header "${PROJECT_BINARY_DIR}/single_header.cpp")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cpp/single_header/model.hpp.in)
file(READ cpp/single_header/model.hpp.in text)
file(CONFIGURE OUTPUT "${single_header}" @ONLY CONTENT
  "namespace fastnn::border {\nextern const char single_header[];\nconst char single_header[] = R\"~(${text})~\";\n}\n")
# clang warns of literals that are longer than what every compiler must take.
set_source_files_properties("${single_header}" PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
