/**
 * How long a client waits for the server to end the stream after both Closes (RFC 6455 §7.1.1), and how long a server waits for
 * a refused client, in milliseconds. @internal
 */
export const LINGER = 1000;

/** The longest delay of a timer, in milliseconds. A longer one would fire at once. @internal */
export const LONGEST_DELAY = 2147483647;

/** Default of `closeTimeout`, in milliseconds. @internal */
export const CLOSE_TIMEOUT = 10_000;
