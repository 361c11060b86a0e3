/* SANITIZED is defined if AddressSanitizer is on. gcc and clang 21 define a macro, and older
 * versions of clang have a feature. */
#ifndef MALLOW_SANITIZED_H
#define MALLOW_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#    define SANITIZED
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define SANITIZED
#    endif
#endif

#endif
