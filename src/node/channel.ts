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
  /** Whether the socket no longer reads what it has been given once it has called back. */
  readonly reuses: boolean;
  readonly options: OwnOptions;
}
