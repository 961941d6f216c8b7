import type { Duplex } from "node:stream";
import type { Protocol } from "../index.ts";
import type { FlowHost } from "./flow.ts";
import type { OutboxHost } from "./outbox.ts";
import type { Settings } from "./settings.ts";
import type { VitalsHost } from "./vitals.ts";

/**
 * A connection as its parts see it. They all have it, rather than a reference to each thing: an idle connection should take
 * little memory. Not internal itself: the published types of Connection name it.
 */
export interface Channel extends FlowHost, OutboxHost, VitalsHost {
  /** This side of the connection, without the socket. @internal */
  readonly endpoint: Protocol;
  /** What does not change. @internal */
  readonly settings: Settings;
  /** Whether a message has been sent or has come since Vitals set this back. @internal */
  active: boolean;
  /** The stream below. */
  readonly socket: Duplex;
}
