/* What a client of the control socket may ask, and what it is answered (mallow(7)). */
#ifndef MALLOW_CONTROL_REQUEST_H
#define MALLOW_CONTROL_REQUEST_H

/* Reads one line from the client, does what it says and answers. Returns after a few seconds at
 * most, whatever the client does. For the control thread alone; allocates nothing. */
void control_request_serve(int client);

#endif
