// Several processes on one port, with node:cluster. A message from one client goes to the clients of all processes.
// node examples/cluster.mjs [port] [processes]; SIGHUP replaces the processes one after another.

import cluster from "node:cluster";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { perMessageDeflate, PreparedMessage } from "wsframe";
import { serve } from "wsframe/node";

const port = Number(process.argv[2] ?? process.env.PORT ?? 8080);
const processes = Number(process.argv[3] ?? availableParallelism());

if (cluster.isPrimary) await supervise();
else await work();

/** Serves connections in a worker process. The primary or the operating system distributes new connections. */
async function work() {
  const options = { host: "127.0.0.1", port, extensions: [perMessageDeflate()], limits: { maxMessage: 65_536 } };
  const server = await serve(options, async (connection) => {
    connection.on("error", (error) => console.error(error.message));
    connection.send(`process ${process.pid}`);
    // `for await` instead of a listener: a client waits if it sends faster than the channel to the primary accepts.
    for await (const message of connection) {
      if (typeof message !== "string") connection.close(1003, "text only");
      else await new Promise((resolve) => process.send?.({ message }, resolve));
    }
  });
  process.on("message", ({ message }) => {
    const prepared = new PreparedMessage(message); // compressed once in each process
    for (const connection of server.connections) {
      // A slow reader misses messages, so that it does not fill the memory.
      if (connection.bufferedAmount < 1 << 20) connection.send(prepared);
    }
  });
  process.send?.({ listening: server.port });

  // A terminal signals every process, and the primary signals its workers, so this can run more than once.
  const leave = async () => {
    await server.close(1001);
    process.disconnect();
  };
  let leaving;
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => (leaving ??= leave()));
}

async function supervise() {
  let ending = false;

  /** Starts a worker; resolves with its port when it listens. */
  const start = () => {
    const worker = cluster.fork();
    worker.on("message", ({ message }) => {
      if (message === undefined) return;
      for (const each of Object.values(cluster.workers ?? {})) each?.send({ message }, () => {}); // it may be leaving
    });
    return new Promise((resolve, reject) => {
      worker.on("message", ({ listening }) => listening && resolve(listening));
      worker.once("exit", () => reject(new Error("A process ended before it listened")));
    });
  };
  cluster.on("exit", (worker, code, signal) => {
    if (ending || code === 0) return;
    console.error(`process ${worker.process.pid} died (${signal ?? code}); another takes its place`);
    // Wait a second, so that a worker that fails at start is not restarted in a tight loop.
    setTimeout(() => !ending && start().catch((error) => console.error(error.message)), 1000);
  });

  const replaceAll = async () => {
    for (const worker of Object.values(cluster.workers ?? {})) {
      if (ending || !worker || worker.isDead()) continue;
      await start(); // the new one first, so that a process is always listening
      worker.process.kill("SIGTERM");
      await once(worker, "exit");
    }
  };
  const end = () => {
    ending = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  };

  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, end);
  let replacing = Promise.resolve();
  process.on("SIGHUP", () => {
    replacing = replacing.then(replaceAll).catch((error) => console.error(error.message));
  });
  const [bound] = await Promise.all(Array.from({ length: processes }, start));
  console.log(`listening on ws://127.0.0.1:${bound}`);
}
