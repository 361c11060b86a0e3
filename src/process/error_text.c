#include "process/error_text.h"

#include <errno.h>

const char *error_text(int error) {
    switch (error) {
    case ENOENT:
        return "no such file or directory";
    case EACCES:
        return "permission denied";
    case EPERM:
        return "operation not permitted";
    case EISDIR:
        return "it is a directory";
    case ENOTDIR:
        return "a part of the path is not a directory";
    case EROFS:
        return "the file system is read-only";
    case ELOOP:
        return "it is a symbolic link";
    case ENXIO:
        return "no process reads from the pipe";
    case ENOSPC:
        return "no space is left on the device";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    case ENAMETOOLONG:
        return "the name is too long";
    default:
        return "it cannot be opened";
    }
}
