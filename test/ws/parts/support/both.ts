// The classes and functions of ws and of wsframe/ws under the same names. Each test runs with both.

import { createRequire } from "node:module";
import type { PerMessageDeflateOptions } from "../../../../src/ws/deflate-options.ts";
import * as extension from "../../../../src/ws/extension.ts";
import { PerMessageDeflate } from "../../../../src/ws/per-message-deflate.ts";
import { Receiver, type ReceiverOptions } from "../../../../src/ws/receiver.ts";
import { Sender } from "../../../../src/ws/sender.ts";
import { createWebSocketStream } from "../../../../src/ws/stream.ts";
import * as subprotocol from "../../../../src/ws/subprotocol.ts";

/** Exports of ws that @types/ws does not declare. */
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

/** Both implementations, with names for the titles of tests. */
export const both: readonly (readonly [name: string, parts: Parts])[] = [
  ["ws", theirs],
  ["wsframe", ours],
];

/** The result of a call: its return value, or its error in a form that can be compared. */
export function outcome(call: () => unknown): unknown {
  try {
    return { returned: call() };
  } catch (error) {
    return errorOf(error);
  }
}

/** The properties of an error that programs check. */
export function errorOf(error: unknown): { class: string; message: string; code: unknown } {
  if (!(error instanceof Error)) throw new TypeError("not an error");
  return { class: error.name, message: error.message, code: "code" in error ? error.code : undefined };
}
