// A window that all sockets of a thread read into.

import { SHARED, SHARED_SIZE } from "../../assembly/memory.ts";
import type { Core, CoreChoice } from "../core/core.ts";
import { enginesFor } from "../core/engines.ts";

/**
 * Memory of a core that a transport reads into, for any connection. The bytes are decoded at once, in place. Later, the
 * window still holds bytes of other connections.
 * @internal
 */
export class ReadWindow {
  readonly core: Core;
  /** 512 KiB. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Makes a string of the ASCII in `core.bytes[start, end)`. */
  readonly ascii: (start: number, end: number) => string;

  /** @param toAscii returns a function that makes a string of `bytes[start, end)`, which is ASCII */
  constructor(choice: CoreChoice | undefined, toAscii: (bytes: Uint8Array<ArrayBuffer>) => ReadWindow["ascii"]) {
    this.core = enginesFor(choice).large();
    this.bytes = this.core.bytes.subarray(SHARED, SHARED + SHARED_SIZE);
    this.ascii = toAscii(this.core.bytes);
  }
}
