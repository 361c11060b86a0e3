/* The exit status of a push job that the server will refuse again. */
#ifndef MALLOW_SERVE_PUSH_H
#define MALLOW_SERVE_PUSH_H

#define SERVE_PUSH_REFUSED 76

#endif
