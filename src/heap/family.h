/* A block must be freed by a function of the family that allocated it. */
#ifndef MALLOW_FAMILY_H
#define MALLOW_FAMILY_H

enum family {
    FAMILY_MALLOC,    /* malloc, calloc, realloc, memalign...; free */
    FAMILY_NEW,       /* operator new; operator delete */
    FAMILY_NEW_ARRAY, /* operator new[]; operator delete[] */
};

#endif
