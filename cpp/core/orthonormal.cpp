// See orthonormal.hpp.
#include "orthonormal.hpp"

#include <vector>

#include "elementary.hpp"

namespace fastnn {

// Modified Gram-Schmidt, which walks rows, so that the inner loops are vectors of columns. It loses digits where
// columns were nearly parallel; a second pass, of nearly orthonormal columns, gets them back (L. Giraud and others,
// 2005).
void make_orthonormal(double* a, std::size_t rows, std::size_t columns) {
  std::vector<double> projections(columns);
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t j = 0; j < columns; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < rows; ++k) square += a[k * columns + j] * a[k * columns + j];
      const double norm = elementary::square_root(square);
      for (std::size_t k = 0; k < rows; ++k) a[k * columns + j] /= norm;

      for (std::size_t l = j + 1; l < columns; ++l) projections[l] = 0;
      for (std::size_t k = 0; k < rows; ++k) {
        const double q = a[k * columns + j];
        for (std::size_t l = j + 1; l < columns; ++l) projections[l] += q * a[k * columns + l];
      }
      for (std::size_t k = 0; k < rows; ++k) {
        const double q = a[k * columns + j];
        for (std::size_t l = j + 1; l < columns; ++l) a[k * columns + l] -= q * projections[l];
      }
    }
  }
}

}  // namespace fastnn
