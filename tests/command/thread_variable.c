/* A shared object with a thread-local variable that libc allocates when it is first used. */
extern __thread void *variable[100];
__thread void *variable[100];

void keep_in_thread(void *p);
void keep_in_thread(void *p) { variable[50] = p; }
