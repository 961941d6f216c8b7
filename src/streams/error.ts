/** A connection that has ended without a closing handshake; or that has ended, and is written to. */
export class WebSocketStreamError extends Error {
  /** As of all errors: to tell it from others where there are two copies of the package. */
  override readonly name: string = "WebSocketStreamError";
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  /** The reason in the peer's Close. */
  readonly reason: string;

  /** `cause` in `options` is why: the WebSocketError of what the peer sent, or what a stream of the duplex failed with. */
  constructor(
    message: string,
    options: { readonly closeCode: number; readonly reason: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.closeCode = options.closeCode;
    this.reason = options.reason;
  }
}
