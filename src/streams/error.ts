/** The error of a connection that ended without a closing handshake, or that is written to after its end. */
export class WebSocketStreamError extends Error {
  /** Always "WebSocketStreamError": it identifies the class even if the package is loaded twice. */
  override readonly name: string = "WebSocketStreamError";
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  /** The reason in the peer's Close, or "". */
  readonly reason: string;

  /**
   * `cause` in `options` is why: the WebSocketError if the peer broke a rule, or the error of a stream of the duplex.
   */
  constructor(
    message: string,
    options: { readonly closeCode: number; readonly reason: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.closeCode = options.closeCode;
    this.reason = options.reason;
  }
}
