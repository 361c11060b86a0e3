/* A shared object with a thread-local variable, which libc allocates at its first use. */
extern __thread void *variable[100];
__thread void *variable[100];

void keep_in_thread(void *p);
void keep_in_thread(void *p) { variable[50] = p; }
