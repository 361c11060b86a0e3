/* A planted fault: the second transcript has another command.
 *
 *     $ echo one
 *     one
 *
 * or
 *
 *     $ echo two
 *     two
 */
