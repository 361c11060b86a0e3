/* A planted fault: the program prints no number.
 *
 *     $ echo none
 *     <number>
 */
