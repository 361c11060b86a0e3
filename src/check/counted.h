/* Chooses what the counting path counts (counted.c). */
#ifndef MALLOW_COUNTED_H
#define MALLOW_COUNTED_H

/* Makes counted_mode count what the MODE_* bits `on` need. Called before another thread can reach
 * the mode with these bits. */
void counted_choose(unsigned on);

#endif
