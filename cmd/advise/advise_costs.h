/* Measured costs in nanoseconds, by which mallow advise estimates gains: bench/advise-costs. */
#ifndef MALLOW_ADVISE_COSTS_H
#define MALLOW_ADVISE_COSTS_H

#include "advise/advise.h"

/* malloc and free, without another block in between. */
double advise_cost_pair(const struct advise *advise, double bytes);

/* realloc of a block that has room. */
double advise_cost_resize(const struct advise *advise, double bytes);

/* malloc and free of one of many blocks. */
double advise_cost_batch(const struct advise *advise, double bytes);

/* A scratch scope with one block; one of many blocks of an arena. */
double advise_cost_scratch(double bytes);
double advise_cost_arena(double bytes);

double advise_cost_copy(double bytes);

/* The first touch of new pages of the usual size, and of huge ones. */
double advise_cost_touch(double bytes);
double advise_cost_touch_huge(double bytes);

#endif
