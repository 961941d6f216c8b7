import { publishRefused } from "./diagnostics.ts";

/** A handshake that a server has refused. */
export interface Refusal {
  /** The status of the response, from 300 to 599. */
  readonly status: number;
  /** Why: a HandshakeError, or, with 500, what `verify`, `checkOrigin` or another function in the options threw. */
  readonly error: unknown;
}

/** Reports a refusal after the response was sent. If the hook throws, that is an uncaught exception. @internal */
export function tellRefused<Request extends object>(
  onRefused: ((request: Request, refusal: Refusal) => unknown) | undefined,
  request: Request,
  { status, error }: Refusal,
): void {
  const refusal = { status, error };
  publishRefused(request, refusal);
  if (onRefused === undefined) return;
  try {
    const result = onRefused(request, refusal);
    if (result instanceof Promise) result.catch(throwLater);
  } catch (thrown) {
    throwLater(thrown);
  }
}

/** Throws an uncaught exception where it interrupts nothing. @internal */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
