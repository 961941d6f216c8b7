// Threads and processes: each has its own window and slots, and frees them when it ends.

import { expect, test } from "vitest";
import { bundleSources, run } from "../support/program.ts";
import { watchLeftovers } from "../support/watch.ts";

bundleSources();
watchLeftovers();

/** Sends to a port over 4 connections at once, and compares the echoes. */
const EXCHANGE = `
async function exchange(port, owner, rounds) {
  const lines = await Promise.all(Array.from({ length: 4 }, async (_, line) => {
    const connection = await connect("ws://127.0.0.1:" + port, { directReads: true, directWrites: true });
    const messages = Array.from({ length: rounds }, (_, i) => ("<" + owner + "." + line + "." + i + ">").repeat(1 + (i * 37) % 3000));
    const seen = [];
    const done = new Promise((resolve) => connection.on("message", (data) => {
      seen.push(typeof data === "string" ? data : Buffer.from(data).toString());
      if (seen.length === rounds) resolve();
    }));
    for (const [i, message] of messages.entries()) {
      connection.send(i % 3 === 0 ? Buffer.from(message) : message);
      if (i % 20 === 0) await connection.drained();
    }
    await done;
    const direct = Object.getOwnPropertySymbols(connection.socket).some((symbol) => connection.socket[symbol] instanceof Uint8Array);
    connection.close(1000);
    await connection.closed;
    return direct && messages.every((message, i) => message === seen[i]);
  }));
  return lines.every((isRight) => isRight);
}
const echo = (connection) => connection.on("message", (data) => connection.send(data));
const options = { host: "127.0.0.1", port: 0, directReads: true, directWrites: true };
`;

/** The last line of a program, which first prints that it has started. */
async function resultOf(source: string): Promise<unknown> {
  const program = await run(source);
  expect(await program.exited).toBe(0);
  expect(program.errors()).toBe("");
  return JSON.parse(program.output().split("\n")[1]!);
}

test("workers with a server each echo to the main thread and to other workers", async () => {
  const result = await resultOf(`
    import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
    import { connect, serve } from "./wsframe.mjs";
    ${EXCHANGE}
    if (isMainThread) {
      console.log("begun");
      const file = new URL(import.meta.url);
      const workers = await Promise.all([0, 1].map((id) => new Promise((resolve) => {
        const worker = new Worker(file, { workerData: { serves: true } });
        worker.once("message", (port) => resolve({ id, worker, port }));
      })));
      const own = await serve(options, echo);
      const ports = [...workers.map(({ port }) => port), own.port];
      const client = new Worker(file, { workerData: { ports } });
      const theirs = new Promise((resolve) => client.once("message", resolve));
      const ours = await Promise.all(ports.map((port, i) => exchange(port, "main" + i, 120)));
      const results = [...ours, ...(await theirs)];
      // The connection is cut while its thread is writing.
      const cut = await connect("ws://127.0.0.1:" + ports[0], { directReads: true, directWrites: true });
      for (let i = 0; i < 50; i++) cut.send("x".repeat(100_000));
      await new Promise((resolve) => cut.on("message", resolve));
      await workers[0].worker.terminate();
      const { code } = await cut.closed;
      results.push(code === 1006, await exchange(ports[1], "after", 50), await exchange(ports[2], "after", 50));
      console.log(JSON.stringify(results));
      await workers[1].worker.terminate();
      await client.terminate();
      await own.close();
    } else if (workerData.serves) {
      parentPort.postMessage((await serve(options, echo)).port);
    } else {
      parentPort.postMessage(await Promise.all(workerData.ports.map((port, i) => exchange(port, "worker" + i, 120))));
    }
  `);
  expect(result).toEqual(Array.from({ length: 9 }, () => true));
});

test("a cluster of two processes echoes on one port", async () => {
  const result = await resultOf(`
    import cluster from "node:cluster";
    import { connect, serve } from "./wsframe.mjs";
    ${EXCHANGE}
    if (cluster.isPrimary) {
      console.log("begun");
      const workers = [cluster.fork(), cluster.fork()];
      const [port] = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
      const results = await Promise.all([0, 1, 2].map((i) => exchange(port, i, 100)));
      // Each worker has had some connections.
      const counts = await Promise.all(workers.map((worker) => new Promise((resolve) => {
        worker.once("message", resolve);
        worker.send("count");
      })));
      console.log(JSON.stringify([...results, counts.every((count) => count > 0), counts[0] + counts[1]]));
      for (const worker of workers) worker.kill();
    } else {
      let count = 0;
      const server = await serve(options, (connection) => {
        count++;
        echo(connection);
      });
      process.on("message", () => process.send(count));
      process.send(server.port);
    }
  `);
  expect(result).toEqual([true, true, true, true, 12]);
});
