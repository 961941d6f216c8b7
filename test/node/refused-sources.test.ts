// The source of a message in pieces is released if the message is refused or aborted.

import { createReadStream, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Connection } from "../../src/node/index.ts";
import { open, ROLES } from "./support/roles.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

let folder = "";
let file = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wsframe-"));
  file = join(folder, "file");
  writeFileSync(file, new Uint8Array(1 << 20));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How many descriptors of the file this process has; undefined without /proc. */
function descriptors(): number | undefined {
  let count = 0;
  try {
    for (const name of readdirSync("/proc/self/fd")) {
      try {
        if (readlinkSync(`/proc/self/fd/${name}`) === file) count++;
      } catch {
        // The file has been closed in the meantime.
      }
    }
  } catch {
    return undefined;
  }
  return count;
}

interface Source {
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly released: () => boolean;
}

const SOURCES: Record<string, () => Promise<Source>> = {
  "a stream of node:fs": () => {
    const pieces = createReadStream(file);
    return Promise.resolve({ pieces, released: () => pieces.closed });
  },
  "a stream of the web": () => {
    let cancelled = false;
    const pieces = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => void (cancelled = true),
    });
    return Promise.resolve({ pieces, released: () => cancelled });
  },
  "a stream of the web over a file": async () => {
    const handle = await openFile(file);
    const pieces = Readable.toWeb(handle.createReadStream()) as ReadableStream<Uint8Array>;
    return { pieces, released: () => handle.fd === -1 };
  },
  "a generator": () => {
    let state = "";
    async function* generate(): AsyncGenerator<Uint8Array, void> {
      try {
        for (;;) {
          state = "open";
          yield new Uint8Array(1000);
        }
      } finally {
        state = "released";
      }
    }
    // A source that has not started has nothing to release.
    return Promise.resolve({ pieces: generate(), released: () => state !== "open" });
  },
};

const REFUSALS: Record<string, (connection: Connection) => unknown> = {
  "after close()": (connection) => connection.close(1000),
  "after terminate()": (connection) => connection.terminate(),
  'after "close"': (connection) => (connection.terminate(), connection.closed),
};

for (const role of ROLES) {
  for (const [name, make] of Object.entries(SOURCES)) {
    test.each(Object.entries(REFUSALS))(`refused: ${name}, ${role}, %s`, async (_, refuse) => {
      const { connection } = await open(role);
      await refuse(connection);
      const sources = await Promise.all(Array.from({ length: 20 }, make));
      const sent = await Promise.all(sources.map(({ pieces }) => connection.send(pieces)));
      expect(sent).toEqual(sources.map(() => false));
      await until(
        () => sources.every(({ released }) => released()) && (descriptors() ?? 0) === 0,
        () => `${descriptors()} files are open`,
      );
    });

    test(`waiting sources are released when the connection ends: ${name}, ${role}`, async () => {
      const { connection, peer } = await open(role, { highWaterMark: 1000 });
      peer.socket.pause();
      const gate = new Promise<never>(() => {});
      const begun = connection.send(
        (async function* () {
          yield "x";
          await gate;
        })(),
      );
      const sources = await Promise.all(Array.from({ length: 10 }, make));
      const sent = sources.map(({ pieces }) => connection.send(pieces));
      connection.terminate();
      expect(await Promise.all([begun, ...sent])).toEqual(Array.from({ length: 11 }, () => false));
      await until(
        () => sources.every(({ released }) => released()) && (descriptors() ?? 0) === 0,
        () => `${descriptors()} files are open`,
      );
    });
  }
}
