// zlib in C, for long runs. It takes about one microsecond where node:zlib takes ten. Needs gcc and zlib.h.

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DeflateJob,
  FLUSH,
  type Inflated,
  type InflateJob,
  type Oracle,
  OUTCOMES,
  withoutTail,
} from "./oracle.ts";
import { Packer, Unpacker } from "./packing.ts";

const DEFLATE = 1;
const INFLATE = 2;
const MOST_RESULTS = 1 << 30;

/** @param source zlib.c @throws Error if it cannot be compiled */
export function cOracle(source: string): Oracle {
  const program = join(mkdtempSync(join(tmpdir(), "wsframe-fuzz-")), "zlib");
  const compiled = spawnSync("gcc", ["-O2", "-Wall", "-o", program, source, "-lz"], { encoding: "utf8" });
  if (compiled.status !== 0) throw new Error(`zlib.c does not compile: ${compiled.stderr ?? compiled.error?.message}`);

  const run = (jobs: Packer): Unpacker => {
    const { status, stdout, stderr } = spawnSync(program, { input: jobs.take(), maxBuffer: MOST_RESULTS });
    if (status !== 0) throw new Error(`zlib.c: ${status} ${stderr?.toString()}`);
    return new Unpacker(stdout);
  };

  return {
    flushes: Object.values(FLUSH),
    steps: true,

    // Request: u8 1, level + 1, windowBits, memLevel, strategy; u32 segments; for each u8 flush, u8 ends, u32 length,
    // bytes. Response: for each message u32 length, bytes.
    deflate(jobs: readonly DeflateJob[]): Uint8Array[][] {
      const packer = new Packer();
      for (const { level, windowBits, memLevel, strategy, segments } of jobs) {
        for (const byte of [DEFLATE, level + 1, windowBits, memLevel, strategy]) packer.u8(byte);
        packer.u32(segments.length);
        for (const { data, flush, ends } of segments) {
          packer.u8(flush);
          packer.u8(ends ? 1 : 0);
          packer.sized(data);
        }
      }
      const results = run(packer);
      return jobs.map(({ segments }) => segments.filter(({ ends }) => ends).map(() => withoutTail(results.sized())));
    },

    // Request: u8 2, u8 windowBits, u32 step, u32 length, dictionary; u32 messages; for each u32 length, bytes with
    // their tail. Response: for each message u8 outcome, u32 length, bytes.
    inflate(jobs: readonly InflateJob[]): Inflated[][] {
      const packer = new Packer();
      for (const { windowBits, step, dictionary, messages } of jobs) {
        packer.u8(INFLATE);
        packer.u8(windowBits);
        packer.u32(step);
        packer.sized(dictionary);
        packer.u32(messages.length);
        for (const message of messages) packer.sized(Buffer.concat([message, Buffer.of(0x00, 0x00, 0xff, 0xff)]));
      }
      const results = run(packer);
      return jobs.map(({ messages }) =>
        messages.map(() => ({ outcome: OUTCOMES[results.u8()]!, data: results.sized() })),
      );
    },
  };
}
