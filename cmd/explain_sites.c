/* The functions whose blocks grow or pin pages. */
#include "explain.h"

void explain_begin_sites(struct explanation *explanation) { explanation->growing_count = 0; }

void explain_end_sites(struct explanation *explanation) { explanation->surviving_count = 0; }
