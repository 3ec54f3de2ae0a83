#define FASTNN_ISA avx2
#include "elementwise.inc.hpp"
