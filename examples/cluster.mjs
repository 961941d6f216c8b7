// Several processes on one port, with node:cluster. What one client says goes to all, whichever process has them.
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

/** A process that has connections of its own; the operating system or the primary shares out the new ones. */
async function work() {
  const options = { host: "127.0.0.1", port, extensions: [perMessageDeflate()], limits: { maxMessage: 65_536 } };
  const server = await serve(options, async (connection) => {
    connection.on("error", (error) => console.error(error.message));
    connection.send(`process ${process.pid}`);
    // `for await` and not a listener: a client that sends faster than the channel to the primary takes it, waits.
    for await (const message of connection) {
      if (typeof message !== "string") connection.close(1003, "text only");
      else await new Promise((resolve) => process.send?.({ message }, resolve));
    }
  });
  process.on("message", ({ message }) => {
    const prepared = new PreparedMessage(message); // compressed once in each process
    for (const connection of server.connections) {
      // A reader that is too slow misses messages, and does not fill memory.
      if (connection.bufferedAmount < 1 << 20) connection.send(prepared);
    }
  });
  process.send?.({ listening: server.port });

  // The terminal signals every process, the primary only its own: they all come to this.
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
      for (const each of Object.values(cluster.workers ?? {})) each?.send({ message }, () => {}); // one may just be leaving
    });
    return new Promise((resolve, reject) => {
      worker.on("message", ({ listening }) => listening && resolve(listening));
      worker.once("exit", () => reject(new Error("A process ended before it listened")));
    });
  };
  cluster.on("exit", (worker, code, signal) => {
    if (ending || code === 0) return;
    console.error(`process ${worker.process.pid} died (${signal ?? code}); another takes its place`);
    // Not at once: what fails when it starts would be started again and again.
    setTimeout(() => !ending && start().catch((error) => console.error(error.message)), 1000);
  });

  const replaceAll = async () => {
    for (const worker of Object.values(cluster.workers ?? {})) {
      if (ending || !worker || worker.isDead()) continue;
      await start(); // the new one first: somebody always listens
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
