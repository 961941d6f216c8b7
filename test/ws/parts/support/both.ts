// The parts of ws and ours, under the same names: each test runs on both.

import { createRequire } from "node:module";
import type { PerMessageDeflateOptions } from "../../../../src/ws/deflate-options.ts";
import * as extension from "../../../../src/ws/extension.ts";
import { PerMessageDeflate } from "../../../../src/ws/per-message-deflate.ts";
import { Receiver, type ReceiverOptions } from "../../../../src/ws/receiver.ts";
import { Sender } from "../../../../src/ws/sender.ts";
import { createWebSocketStream } from "../../../../src/ws/stream.ts";
import * as subprotocol from "../../../../src/ws/subprotocol.ts";

/** What a package like ws exports besides WebSocket and its server, which @types/ws does not have. */
export interface Parts {
  readonly createWebSocketStream: typeof createWebSocketStream;
  readonly extension: Pick<typeof extension, "parse" | "format">;
  readonly PerMessageDeflate: {
    new (options?: PerMessageDeflateOptions): PerMessageDeflate;
    readonly extensionName: string;
  };
  readonly Receiver: new (options?: ReceiverOptions) => Receiver;
  readonly Sender: {
    new (...args: ConstructorParameters<typeof Sender>): Sender;
    readonly frame: typeof Sender.frame;
  };
  readonly subprotocol: Pick<typeof subprotocol, "parse">;
}

export const ours: Parts = { createWebSocketStream, extension, PerMessageDeflate, Receiver, Sender, subprotocol };
export const theirs: Parts = createRequire(import.meta.url)("ws");

/** Both, to name tests after. */
export const both: readonly (readonly [name: string, parts: Parts])[] = [
  ["ws", theirs],
  ["wsframe", ours],
];

/** What a call comes to: what it returns, or the error as a program sees it. */
export function outcome(call: () => unknown): unknown {
  try {
    return { returned: call() };
  } catch (error) {
    return errorOf(error);
  }
}

/** What programs look at in an error. */
export function errorOf(error: unknown): { class: string; message: string; code: unknown } {
  if (!(error instanceof Error)) throw new TypeError("not an error");
  return { class: error.name, message: error.message, code: "code" in error ? error.code : undefined };
}
