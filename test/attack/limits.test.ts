// Checks that the defaults in docs/security.md are the real ones.

import { readFileSync } from "node:fs";
import { connect as connectSession } from "node:http2";
import type { Server } from "node:http";
import { expect, test } from "vitest";
import { readDeflateOptions } from "../../src/deflate/options.ts";
import { serve } from "../../src/node/index.ts";
import { ownOptions } from "../../src/node/options.ts";
import { readTimes } from "../../src/protocol/keepalive-times.ts";
import { readLimits } from "../../src/protocol/limits.ts";
import { rows } from "./rows.js";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");

/** The cells of the table under a heading. */
function table(heading: string): string[][] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  return section
    .split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

async function serverDefaults(): Promise<Record<string, unknown>> {
  const plain = await serve({ port: 0 }, () => {});
  const { headersTimeout } = plain.server as Server;
  await plain.close();
  const [key, cert] = ["key", "cert"].map((name) =>
    readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url)),
  );
  const secure = await serve({ port: 0, tls: { key, cert } }, () => {});
  const session = connectSession(`https://localhost:${secure.port}`, { ca: cert });
  const { maxConcurrentStreams } = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    session.once("remoteSettings", resolve),
  );
  session.destroy();
  await secure.close();
  return { handshakeTimeout: headersTimeout, "streams of a session": maxConcurrentStreams };
}

test("docs/security.md states the default of each limit", async () => {
  const defaults: Record<string, unknown> = {
    ...readLimits(undefined, false),
    ...ownOptions({}),
    ...readTimes({}),
    ...readDeflateOptions({}),
    ...(await serverDefaults()),
  };
  const stated = table("Limits").map(([name, value]) => [name!.replaceAll("`", ""), value]);
  expect(stated).toEqual(stated.map(([name]) => [name, String(defaults[name!])]));
  expect(stated.length).toBeGreaterThan(15);
});

test("docs/security.md has a promise for each attack and an attack for each promise", () => {
  const named = table("Promises").flatMap((cells) => [...cells[2]!.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!));
  const names = rows.map(({ name }) => name);
  const http2 = names.filter((name) => name.startsWith("h2-"));
  expect(new Set([...named, ...http2])).toEqual(new Set(names));
});
