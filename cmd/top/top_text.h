/* Figures in few columns. */
#ifndef MALLOW_TOP_TEXT_H
#define MALLOW_TOP_TEXT_H

struct top_text {
    char text[32];
};

/* Return at most 6 characters: bytes such as "512" or "10.2M" (binary units), and a number such as
 * "512" or "10.2k". */
struct top_text top_text_bytes(double bytes);
struct top_text top_text_count(double count);

/* Returns at most 7 characters, with a sign: "+1.2M". */
struct top_text top_text_change(double bytes);

/* Returns the relative error of a sum as "+-12%", "exact", or nothing. */
struct top_text top_text_error(double value, double variance);

/* Returns a time such as "850ms", "12.3s", "4m05s", "3h12m" or "5d02h". */
struct top_text top_text_seconds(double seconds);

#endif
