/* Uses byte functions that check the bounds of their destination. A copy that is too long is an
 * error instead of a write past the end, and the destination is unchanged.
 *
 *     $ bounded_bytes
 *     copy: MALLOW_OK, "config"
 *     copy of 27 bytes: mallow_copy: <text>
 *     after that: "config"
 *     append: "user@host", 6 bytes left
 *     the @ is at index 4
 *     the passwords are equal: yes
 *     wiped: 0 0 0 0
 */
#include <mallow/bytes.h>
#include <stdio.h>
#include <string.h>

static void show_copy(void) {
    char name[8];
    static const char long_name[] = "a name longer than the room";
    if (mallow_copy(name, sizeof name, "config", 7) == MALLOW_OK)
        printf("copy: MALLOW_OK, \"%s\"\n", name);
    enum mallow_result result = mallow_copy(name, sizeof name, long_name, strlen(long_name));
    if (result != MALLOW_OK)
        printf("copy of %zu bytes: %s\n", strlen(long_name), mallow_error_text(result));
    printf("after that: \"%s\"\n", name);
}

/* Joins parts: mallow_append advances the destination and reduces the room. */
static void show_append(void) {
    char text[16];
    void *at = text;
    size_t room = sizeof text, index = 0;
    if (mallow_append(&at, &room, "user", 4) != MALLOW_OK ||
        mallow_append(&at, &room, "@", 1) != MALLOW_OK ||
        mallow_append(&at, &room, "host", 5) != MALLOW_OK)
        return;
    printf("append: \"%s\", %zu bytes left\n", text, room);
    if (mallow_find(text, sizeof text, 9, '@', &index) == MALLOW_OK)
        printf("the @ is at index %zu\n", index);
}

/* The time of the comparison does not depend on the content, and no compiler removes the wipe. */
static void show_password(void) {
    char password[4] = {'k', 'e', 'y', '!'}, typed[4] = {'k', 'e', 'y', '!'};
    printf("the passwords are equal: %s\n", mallow_equal(password, typed, 4) ? "yes" : "no");
    mallow_wipe(password, sizeof password, sizeof password);
    printf("wiped: %d %d %d %d\n", password[0], password[1], password[2], password[3]);
}

int main(void) {
    show_copy();
    show_append();
    show_password();
}
