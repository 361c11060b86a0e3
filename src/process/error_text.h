/* Texts of error numbers. strerror may allocate, so the library must not call it. */
#ifndef MALLOW_ERROR_TEXT_H
#define MALLOW_ERROR_TEXT_H

/* Returns a text that says why a file could not be opened. */
const char *error_text(int error);

#endif
