#define FASTNN_ISA portable
#include "kernels.inc.hpp"
