import type { Duplex } from "node:stream";
import type { Protocol } from "../index.ts";
import type { FlowHost } from "./flow.ts";
import type { OutboxHost } from "./outbox.ts";
import type { Settings } from "./settings.ts";
import type { VitalsHost } from "./vitals.ts";

/**
 * A connection as its parts see it. Each part has this one reference, so that an idle connection takes little memory.
 * Not marked internal, because the published types of Connection name it.
 */
export interface Channel extends FlowHost, OutboxHost, VitalsHost {
  /** This side of the connection, without its socket. @internal */
  readonly endpoint: Protocol;
  /** The settings, which do not change. @internal */
  readonly settings: Settings;
  /** Whether a message was sent or received since Vitals last reset this. @internal */
  active: boolean;
  /** The underlying stream. */
  readonly socket: Duplex;
}
