/* A library whose one function uses PLUGIN_ROOM bytes of the stack. The code of all its builds is
 * otherwise the same. */
void enter(void (*inside)(void));
void enter(void (*inside)(void)) {
    volatile char room[PLUGIN_ROOM];
    room[0] = 0;
    inside();
    room[PLUGIN_ROOM - 1] = room[0];
}
