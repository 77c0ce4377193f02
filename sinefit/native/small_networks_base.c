#include "vectors_base.h"
#include "vector_passes.h"

#define INSTRUCTION_SET sinefit_base_set
#include "small_networks_step.h"
