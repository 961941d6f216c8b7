// Measures the footprint: start-up time, memory and size.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { summarize } from "./measure.js";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a script in a new process. Returns the numbers that it prints. */
function freshNumbers(script, ...args) {
  const output = execFileSync(process.execPath, ["--expose-gc", path(script), ...args], { encoding: "utf8" });
  const numbers = output.trim().split(" ").map(Number);
  if (output.trim() === "" || !numbers.every(Number.isFinite))
    throw new Error(`${script} ${args.join(" ")}: ${output}`);
  return numbers;
}

const fresh = (script, ...args) => freshNumbers(script, ...args)[0];

/** Nanoseconds from before the import to the first frame. The peers take turns. */
export function measureStarts(rounds) {
  const peers = ["wsframe", "ws", "websocket-driver"];
  /** @type {Record<string, number[]>} */
  const found = Object.fromEntries(peers.map((peer) => [peer, []]));
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) found[peer].push(fresh("./once/start.js", peer));
  }
  return Object.fromEntries(peers.map((peer) => [peer, summarize(found[peer])]));
}

/** Bytes per connection that has decoded and encoded one frame. */
export function measureMemory(pairs) {
  const peers = ["wsframe", "ws"];
  return Object.fromEntries(peers.map((peer) => [peer, summarize([fresh("./once/memory.js", peer, String(pairs))])]));
}

/**
 * Bytes per connection with permessage-deflate. wsframe uses only objects and buffers, which V8 counts. V8 does not see
 * all of zlib's memory, so the figure for ws is the growth of the process.
 */
export function measureDeflateMemory({ state, windowBits }, connections) {
  const args = [String(connections), state, ...(windowBits === undefined ? [] : [String(windowBits)])];
  const [wsframe, ws] = ["wsframe", "ws"].map((peer) => freshNumbers("./once/deflate-memory.js", peer, ...args));
  return {
    held: { wsframe: summarize([wsframe[0]]), ws: summarize([ws[1]]) },
    notes: [
      `the process has grown by ${Math.round(wsframe[1])} B with wsframe, which varies with the memory that the allocator keeps`,
    ],
  };
}

/** Bytes per idle Protocol that has received and sent one message. */
export function measureProtocolMemory(count) {
  const peers = ["protocol", "ws"];
  const [wsframe, ws] = peers.map((peer) => summarize([fresh("./once/memory.js", peer, String(count))]));
  return { wsframe, ws };
}

export function wasmSize() {
  return { wsframe: summarize([readFileSync(path("../dist/core.wasm")).length]) };
}

/** FrameDecoder and FrameEncoder alone, as an application would bundle them. */
export async function bundleSize() {
  const { build } = await import("esbuild");
  const result = await build({
    stdin: { contents: 'export { FrameDecoder, FrameEncoder } from "./dist/index.js";', resolveDir: path("..") },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    write: false,
  });
  return { wsframe: summarize([gzipSync(result.outputFiles[0].contents, { level: 9 }).length]) };
}
