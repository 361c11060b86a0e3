/* A planted fault: there are no commands.
 *
 *     only text
 */
