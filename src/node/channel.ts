import type { Duplex } from "node:stream";
import type { Protocol, Role } from "../index.ts";
import type { OwnOptions } from "./options.ts";

/** What the parts of a connection share. @internal */
export interface Channel {
  readonly protocol: Protocol;
  readonly socket: Duplex;
  readonly role: Role;
  /** Whether extensions have been agreed on. */
  readonly extended: boolean;
  /** Whether what the socket has been given may be written to again, once the socket holds nothing. */
  readonly reuses: boolean;
  /** Whether writes may pass the queue of the socket's stream. */
  readonly passes: boolean;
  readonly options: OwnOptions;
}
