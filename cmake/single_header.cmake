# Puts the text of exported headers (docs/header.md) together, as a C++ constant for the Python module: cpp/single_header/
# model.hpp.in, with the text of other files in place of @names@. Its $names are left for python/fastnn/exporters/header.py.
function(read_into variable)  # files, each after the ones that it includes; scalar.hpp is there for simd.hpp and look_up.hpp
  set(all "")
  foreach(source ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "cpp/${source}")
    file(READ "cpp/${source}" text)
    string(APPEND all "${text}")
  endforeach()
  # Comments go. So do includes, as model.hpp.in has the standard's, and what unrolls loops over registers: numbers one at
  # a time do not need it, and not every compiler knows it.
  string(REGEX REPLACE " *//[^\n]*|#include[^\n]*|#pragma once|#pragma GCC unroll (1[0-9]|[2-9])" "" all "${all}")
  string(REGEX REPLACE "\n\n+" "\n" all "${all}")
  string(REPLACE "FASTNN_INLINE_LAMBDA " "" all "${all}")
  string(REPLACE "FASTNN_INLINE " "inline " all "${all}")
  string(STRIP "${all}" all)
  set(${variable} "${all}" PARENT_SCOPE)
endfunction()

read_into(shared single_header/compiler.hpp core/chains.hpp include/fastnn/activation.hpp kernels/tanh_table.hpp
  kernels/log_table.hpp kernels/gelu_table.hpp)
string(REGEX REPLACE "namespace fastnn(::FASTNN_ISA)? {" "namespace detail {" shared "${shared}")
read_into(floating_point_mode core/floating_point_mode.hpp)
string(REPLACE "namespace fastnn {" "namespace detail {\nnamespace {" floating_point_mode "${floating_point_mode}}")
read_into(kernels single_header/scalar.hpp kernels/math.hpp kernels/exponentials.hpp kernels/gelu.hpp
  kernels/activations.hpp kernels/sums.hpp kernels/whole_rows.hpp single_header/one_row.hpp
  single_header/rows.hpp.in)
# Twice: one for the CPU that the compiler is told of, one for those with AVX2.
string(REPLACE "namespace fastnn::FASTNN_ISA {" "namespace detail::avx2 {" avx2 "${kernels}")
string(REPLACE "namespace fastnn::FASTNN_ISA {" "namespace detail::portable {" portable "${kernels}")

set(single_header "${PROJECT_BINARY_DIR}/single_header.cpp")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cpp/single_header/model.hpp.in)
file(READ cpp/single_header/model.hpp.in text)
file(CONFIGURE OUTPUT "${single_header}" @ONLY CONTENT
  "namespace fastnn::border {\nextern const char single_header[];\nconst char single_header[] = R\"~(${text})~\";\n}\n")
# clang warns of literals that are longer than what every compiler must take.
set_source_files_properties("${single_header}" PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
