#define FASTNN_ISA avx512
#include "elementwise.inc.hpp"
