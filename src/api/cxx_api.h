/* C++'s operators new and delete, in the modes that check the arguments of delete. */
#ifndef MALLOW_CXX_API_H
#define MALLOW_CXX_API_H

/* Makes the array forms, and the forms with a size or an alignment, pass their arguments to the
 * mode, which checks them. */
void cxx_check(void);

#endif
