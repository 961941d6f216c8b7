/**
 * How long a client waits for the server to end the stream after both Closes (RFC 6455 §7.1.1), and a server for a client that
 * it has refused, in milliseconds. @internal
 */
export const LINGER = 1000;
