/* C++'s operators, in the modes that look at what their callers tell. */
#ifndef MALLOW_CXX_API_H
#define MALLOW_CXX_API_H

/* From now on delete[] and the forms that are told a size or an alignment pass it on. */
void cxx_check(void);

#endif
