/* Answers the requests that clients send to the control socket. mallow(7) lists them. */
#ifndef MALLOW_CONTROL_REQUEST_H
#define MALLOW_CONTROL_REQUEST_H

/* Reads one line from the client, carries out the request and answers. Waits for the client at most
 * two seconds at each step and one minute for the whole answer. Only the control thread calls it;
 * it allocates nothing. */
void control_request_serve(int client);

#endif
