/* The same code in each, but for how much of the stack it takes. */
void enter(void (*inside)(void));
void enter(void (*inside)(void)) {
    volatile char room[PLUGIN_ROOM];
    room[0] = 0;
    inside();
    room[PLUGIN_ROOM - 1] = room[0];
}
