import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { HandshakeError, type Rejection, rejectHandshake, serializeResponse } from "../index.ts";

/** A request that is accepted, with data for the handler: its third argument. */
export interface Verified<Data> {
  readonly accepted: true;
  /** Whatever the handler needs: a user, for example. */
  readonly data: Data;
}

/**
 * What `verify` decides: false is answered with 403; a Rejection of rejectHandshake() is sent as it is; `{ accepted: true,
 * data }` passes `data` to the handler. True or nothing also accepts, if the handler needs no data.
 */
export type Verdict<Data> = false | Rejection | Verified<Data> | ([undefined] extends [Data] ? true | void : never);

/** A verdict that has been read. @internal */
export type Decision<Data> = { readonly data: Data } | { readonly rejection: Rejection; readonly error: unknown };

/** Asks `verify`; never rejects. @internal */
export async function decide<Data, Request extends IncomingMessage | Http2ServerRequest>(
  verify: (request: Request) => Verdict<Data> | Promise<Verdict<Data>>,
  request: Request,
): Promise<Decision<Data>> {
  try {
    const verdict: boolean | void | Rejection | Verified<Data> = await verify(request);
    // The type of Verdict allows these only where undefined is Data.
    if (verdict === true || verdict === undefined) return { data: undefined as Data };
    if (verdict === false) return refused(rejectHandshake({ status: 403 }));
    if (verdict?.accepted === true && "data" in verdict) return { data: verdict.data };
    // Throws for what is no response: null, for example, which must not let anybody in.
    serializeResponse(verdict as Rejection);
    return refused(verdict as Rejection);
  } catch (error) {
    return { rejection: rejectionFor(error), error };
  }
}

function refused(rejection: Rejection): Decision<never> {
  return { rejection, error: rejection.error };
}

function rejectionFor(error: unknown): Rejection {
  if (error instanceof HandshakeError) {
    try {
      return rejectHandshake({ status: error.status ?? 400, error });
    } catch {
      // It was about another connection, one of connect() to somewhere else: its status or its header fields are not ours.
    }
  }
  return rejectHandshake({ status: 500 });
}
