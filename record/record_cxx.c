/* C++'s operators new and delete, by their names in the Itanium ABI. An allocator may have its own,
 * or those of the C++ runtime call malloc. */
#include "../bounds/libc.h"
#include "record.h"
#include "trace/trace_record.h"

#define ENTRY __builtin_frame_address(0)

/* NEW(name, kind, parameters, arguments, size, align) defines an operator that may throw. */
#define NEW(name, kind, parameters, arguments, align)                    \
    EXPORT void *name parameters;                                        \
    void *name parameters {                                              \
        void *p;                                                         \
        bool records;                                                    \
        {                                                                \
            RECORDED_CALL(is_outermost);                                 \
            records = is_outermost;                                      \
            p = REAL(name) arguments;                                    \
        }                                                                \
        if (records) trace_allocated(kind, p, NULL, size, align, ENTRY); \
        return p;                                                        \
    }
#define NEWS(letter, kind)                                                                       \
    NEW(_Zn##letter##m, kind, (size_t size), (size), 1)                                          \
    NEW(_Zn##letter##mRKSt9nothrow_t, kind, (size_t size, const void *nothrow), (size, nothrow), \
        1)                                                                                       \
    NEW(_Zn##letter##mSt11align_val_t, kind, (size_t size, size_t align), (size, align), align)  \
    NEW(_Zn##letter##mSt11align_val_tRKSt9nothrow_t, kind,                                       \
        (size_t size, size_t align, const void *nothrow), (size, align, nothrow), align)

NEWS(w, MALLOW_TRACE_NEW)
NEWS(a, MALLOW_TRACE_NEW_ARRAY)

#define DELETE(name, kind, parameters, arguments)                     \
    EXPORT void name parameters;                                      \
    void name parameters {                                            \
        bool is_outermost = record_enter();                           \
        if (is_outermost && p != NULL) trace_freeing(kind, p, ENTRY); \
        REAL(name) arguments;                                         \
        record_leave();                                               \
    }
#define DELETES(letter, kind)                                                                 \
    DELETE(_Zd##letter##Pv, kind, (void *p), (p))                                             \
    DELETE(_Zd##letter##Pvm, kind, (void *p, size_t size), (p, size))                         \
    DELETE(_Zd##letter##PvRKSt9nothrow_t, kind, (void *p, const void *nothrow), (p, nothrow)) \
    DELETE(_Zd##letter##PvSt11align_val_t, kind, (void *p, size_t align), (p, align))         \
    DELETE(_Zd##letter##PvmSt11align_val_t, kind, (void *p, size_t size, size_t align),       \
           (p, size, align))                                                                  \
    DELETE(_Zd##letter##PvSt11align_val_tRKSt9nothrow_t, kind,                                \
           (void *p, size_t align, const void *nothrow), (p, align, nothrow))

DELETES(l, MALLOW_TRACE_DELETE)
DELETES(a, MALLOW_TRACE_DELETE_ARRAY)
