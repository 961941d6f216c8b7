/**
 * How long a client waits for the server to end the stream after both Closes (RFC 6455 §7.1.1), and a server for a client that
 * it has refused, in milliseconds. @internal
 */
export const LINGER = 1000;

/** The longest delay of a timer, in milliseconds: a longer one would run at once. @internal */
export const LONGEST_DELAY = 2147483647;

/** The default of `closeTimeout`, in milliseconds. @internal */
export const CLOSE_TIMEOUT = 10_000;
