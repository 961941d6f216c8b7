/** A call that the state of the connection does not allow: something is to be sent after a Close (RFC 6455 §5.5.1). */
export class InvalidStateError extends Error {
  override readonly name: string = "InvalidStateError";
  readonly code = "WS_ERR_INVALID_STATE" as const;
}
