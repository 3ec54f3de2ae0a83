// Makes columns orthonormal. The order of all sums is fixed, so the bits are the same everywhere, unlike LAPACK's.
#pragma once

#include <cstddef>

namespace fastnn {

// Replaces a (rows, columns), row-major and of full rank, by the Q of A = QR whose R has a positive diagonal. Needs
// rows >= columns. Takes 4 · rows · columns² multiply-adds.
void make_orthonormal(double* a, std::size_t rows, std::size_t columns);

}  // namespace fastnn
