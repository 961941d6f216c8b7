/**
 * How long a client waits for the server's end of the stream after both Closes, in milliseconds; then it ends the connection
 * itself (RFC 6455 §7.1.1). @internal
 */
export const LINGER = 1000;
