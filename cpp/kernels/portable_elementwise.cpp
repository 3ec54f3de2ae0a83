#define FASTNN_ISA portable
#include "elementwise.inc.hpp"
