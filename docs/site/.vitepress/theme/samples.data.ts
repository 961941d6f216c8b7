// Samples for the playground: bytes as the inspector reads them.

import { readFileSync } from "node:fs";
import { root } from "../pages.ts";

export interface Sample {
  readonly label: string;
  readonly hex: string;
  /** The bytes are compressed, and no HTTP head says so. */
  readonly compressed?: boolean;
}

export declare const data: readonly Sample[];

const CAPTURE = `${root}test/fixtures/captures/chromium-ws-deflate/`;
/** The number of recorded chunks in the sample. Each of them ends with a whole frame. */
const READS = 12;

export default {
  load(): Sample[] {
    const { chunks } = JSON.parse(readFileSync(`${CAPTURE}meta.json`, "utf8")) as {
      chunks: [side: string, size: number][];
    };
    const reads = chunks.filter(([side]) => side === "c").slice(0, READS);
    const length = reads.reduce((sum, [, size]) => sum + size, 0);
    return [
      { label: "A masked “Hello”", hex: "81 85 37 fa 21 3d 7f 9f 4d 51 58" },
      // RFC 7692 §7.2.3.1
      { label: "A compressed message", hex: "c1 07 f2 48 cd c9 c9 07 00", compressed: true },
      { label: "Broken UTF-8", hex: "81 02 6f 6b 01 05 47 72 c3 bc c3 80 03 28 65 6e" },
      { label: "Chromium, recorded", hex: readFileSync(`${CAPTURE}client.bin`).subarray(0, length).toString("hex") },
    ];
  },
};
