// The channels for tracing tools (node:diagnostics_channel). Without a subscriber they cost nothing.

import { channel } from "node:diagnostics_channel";
import type { Connection } from "./connection.ts";
import type { Ending } from "./events.ts";
import type { Refusal } from "./refusal.ts";

const OPEN = channel("wsframe:connection:open");
const CLOSE = channel("wsframe:connection:close");
const ERROR = channel("wsframe:connection:error");
const REFUSED = channel("wsframe:handshake:refused");

/** Publishes that a connection of either role is open: `{ connection }`. @internal */
export function publishOpen(connection: Connection): void {
  if (OPEN.hasSubscribers) OPEN.publish({ connection });
}

/** Publishes that a connection has ended: `{ connection, code, reason, wasClean }`. @internal */
export function publishClose(connection: Connection, { code, reason, wasClean }: Ending): void {
  if (CLOSE.hasSubscribers) CLOSE.publish({ connection, code, reason, wasClean });
}

/** Publishes that a connection has failed: `{ connection, error }`. @internal */
export function publishError(connection: Connection, error: Error): void {
  if (ERROR.hasSubscribers) ERROR.publish({ connection, error });
}

/** Publishes that a server has refused a handshake: `{ request, status, error }`. @internal */
export function publishRefused(request: object, { status, error }: Refusal): void {
  if (REFUSED.hasSubscribers) REFUSED.publish({ request, status, error });
}
