/* A program that is linked statically, so that nothing can be preloaded into it. */
int main(void) { return 0; }
