import { HandshakeError, type Rejection, rejectHandshake, serializeResponse } from "../index.ts";
import type { ServerRequest } from "./caller.ts";

/** The value with which `verify` accepts a request and passes data to the handler. */
export interface Verified<Data> {
  /** Always true. */
  readonly accepted: true;
  /** The third argument of the handler: the user, for example. It is passed on as it is. */
  readonly data: Data;
}

/** The values that `verify` may return, or resolve with. */
export type Verdict<Data> =
  /** Refuses with 403. */
  | false
  /** Refuses with this response: see rejectHandshake(). */
  | Rejection
  /** Accepts, and passes `data` to the handler. */
  | Verified<Data>
  /** `true` or nothing: accepts, if the handler needs no data. */
  | ([undefined] extends [Data] ? true | void : never);

/** A verdict that has been checked. @internal */
export type Decision<Data> = { readonly data: Data } | { readonly rejection: Rejection; readonly error: unknown };

/** Calls `verify`. It never rejects. @internal */
export async function decide<Data, Request extends ServerRequest>(
  verify: (request: Request) => Verdict<Data> | Promise<Verdict<Data>>,
  request: Request,
): Promise<Decision<Data>> {
  try {
    const verdict: boolean | void | Rejection | Verified<Data> = await verify(request);
    // The type Verdict allows these only if Data includes undefined.
    if (verdict === true || verdict === undefined) return { data: undefined as Data };
    if (verdict === false) return refused(rejectHandshake({ status: 403 }));
    if (verdict?.accepted === true && "data" in verdict) return { data: verdict.data };
    // The types rule out anything else, but a null from JavaScript must not let anybody in.
    if (typeof verdict !== "object" || verdict === null || !("status" in verdict) || verdict.accepted) {
      throw new TypeError(WRONG_VERDICT);
    }
    // Throws if it cannot be sent.
    serializeResponse(verdict);
    return refused(verdict);
  } catch (error) {
    return { rejection: rejectionFor(error), error };
  }
}

const WRONG_VERDICT =
  "verify must return true, false, nothing, { accepted: true, data }, or a Rejection of rejectHandshake()";

function refused(rejection: Rejection): Decision<never> {
  return { rejection, error: rejection.error };
}

function rejectionFor(error: unknown): Rejection {
  if (error instanceof HandshakeError) {
    try {
      return rejectHandshake({ status: error.status ?? 400, error });
    } catch {
      // The error is about another connection, such as a failed connect(): its status or header fields do not fit here.
    }
  }
  return rejectHandshake({ status: 500 });
}
