// createWebSocketStream(): a socket as a Duplex.

import { Duplex, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { both, each } from "./support/both.ts";
import { reached, show, showError, until } from "./support/log.ts";
import { closing, text } from "./support/raw.ts";

/** The events of a stream. */
function recordStream(duplex: Duplex): string[] {
  const log: string[] = [];
  duplex.on("data", (data) => log.push(`data ${show(data)}`));
  duplex.on("end", () => log.push("end"));
  duplex.on("finish", () => log.push("finish"));
  duplex.on("error", (error) => log.push(`error ${showError(error)}`));
  duplex.on("close", () => log.push("close"));
  return log;
}

each("is a Duplex", async (lab) => {
  const { socket } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  return [
    duplex instanceof Duplex,
    duplex.readableObjectMode,
    duplex.writableObjectMode,
    duplex.readableHighWaterMark,
    duplex.writableHighWaterMark,
  ];
});

each("accepts the options of a Duplex, except those that it sets itself", async (lab) => {
  const { socket } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket, {
    readableHighWaterMark: 7,
    writableHighWaterMark: 8,
    objectMode: true,
    writableObjectMode: true,
    allowHalfOpen: false,
  });
  return [
    duplex.readableObjectMode,
    duplex.writableObjectMode,
    duplex.readableHighWaterMark,
    duplex.writableHighWaterMark,
    duplex.allowHalfOpen,
  ];
});

both("sends each chunk as a message, and reads each message as a chunk", async (lab) => {
  const { client, peer, log } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client);
  const events = recordStream(duplex);
  duplex.write("text");
  duplex.write(Buffer.from("bytes"));
  duplex.write(Buffer.alloc(0));
  peer.send("one");
  peer.send(Buffer.from("two"));
  await until(log.peer, "message", 3);
  await until(events, "data", 2);
  duplex.end("last");
  await until(events, "close");
  await until(log.peer, "close");
  return { events, peer: log.peer };
});

both("supports decodeStrings: false and setEncoding()", async (lab) => {
  const { client, peer, log } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client, { decodeStrings: false, encoding: "utf8" });
  const events = recordStream(duplex);
  duplex.write("text");
  peer.send("größer");
  await until(log.peer, "message");
  await until(events, "data");
  return { events, peer: log.peer };
});

both("reads text as strings with readableObjectMode", async (lab) => {
  const { client, peer } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client, { readableObjectMode: true });
  const events = recordStream(duplex);
  peer.send("one");
  peer.send(Buffer.from("two"));
  await until(events, "data", 2);
  return events;
});

both("supports pipeline()", async (lab) => {
  const { client, peer } = await lab.pair();
  const from = lab.client.createWebSocketStream(client);
  const into = lab.server.createWebSocketStream(peer);
  const chunks = Array.from({ length: 100 }, (_, index) => `${index},`.repeat(500));
  const [received] = await Promise.all([readAll(into), pipeline(Readable.from(chunks), from, { end: true })]);
  return [received === chunks.join(""), received.length];
});

each("can be made before the socket is open", async (lab) => {
  const { url, peers } = await lab.listen();
  const { socket, log } = lab.connect(url);
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.write("early", () => events.push("written"));
  duplex.end();
  await until(log, "open");
  const raw = peers[0]!;
  await raw.seesFrames(2);
  raw.write(closing());
  await raw.gone();
  raw.socket.end();
  await until(events, "close");
  return { events, told: raw.frames, state: socket.readyState };
});

each("end() sends a Close, and waits for that of the peer", async (lab) => {
  const { socket, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.end("last");
  await raw.seesFrames(2);
  raw.write(text("still"), closing());
  await raw.gone();
  raw.socket.end();
  await until(events, "close");
  return { events, told: raw.frames };
});

each("the peer's Close ends the readable side", async (lab) => {
  const { socket, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  raw.write(text("last"), closing(1000));
  await raw.gone();
  raw.socket.end();
  await until(events, "end");
  await sleep(5);
  return { events, destroyed: duplex.destroyed };
});

each("destroy() terminates the connection", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.destroy();
  await until(events, "close");
  await raw.gone();
  return { events, log, told: raw.frames };
});

each("destroy() emits its error", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.destroy(new Error("mine"));
  await until(events, "close");
  await raw.gone();
  return { events, log };
});

each("destroy() works before the socket is open", async (lab) => {
  const { url } = await lab.listen(() => {});
  const { socket, log } = lab.connect(url);
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.destroy();
  await until(events, "close");
  return { events, log };
});

each("emits the error of a failed handshake", async (lab) => {
  const { url } = await lab.listen((raw) => raw.socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  const { socket, log } = lab.connect(url);
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.write("x");
  await until(events, "close");
  return { events, log };
});

each("emits the error of a failed handshake after end()", async (lab) => {
  const { url } = await lab.listen((raw) => raw.socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  const { socket } = lab.connect(url);
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  duplex.end();
  await until(events, "close");
  return events;
});

each("emits an error for invalid frames, and sends a Close", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events = recordStream(duplex);
  raw.write(text("one"), { opcode: 3 });
  await raw.gone();
  raw.socket.end();
  await until(events, "close");
  await until(log, "close");
  return { events, log, told: raw.frames };
});

each("throws an error without a listener", async (lab) => {
  const { socket, raw } = await lab.serverAgainstRaw();
  lab.api.createWebSocketStream(socket);
  const caught = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  try {
    raw.write({ opcode: 3 });
    await raw.gone();
    raw.socket.end();
    return (await caught).message;
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});

each("fails to write after the socket has closed", async (lab) => {
  const { socket, log } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  const events: string[] = [];
  duplex.on("error", (error) => events.push(showError(error)));
  duplex.on("close", () => events.push("close"));
  socket.terminate();
  await until(log, "close");
  duplex.write("late", (error) => events.push(`callback ${show(error)}`));
  await until(events, "close");
  return events;
});

both("makes the peer wait if nothing reads", async (lab) => {
  const { client, peer } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client);
  const chunk = Buffer.alloc(1 << 20);
  for (let index = 0; index < 16; index++) peer.send(chunk);
  await reached(
    () => client.isPaused,
    () => "not paused",
  );
  await sleep(5);
  const waits = peer.bufferedAmount > 0;
  let bytes = 0;
  duplex.on("data", (data: Buffer) => (bytes += data.length));
  await reached(
    () => bytes === 16 << 20,
    () => `${bytes} bytes`,
  );
  return { waits, after: client.isPaused };
});

both("write() returns false when the peer does not read", async (lab) => {
  const { client, peer } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client);
  peer.pause();
  let count = 0;
  while (duplex.write(Buffer.alloc(1 << 20)) && count < 64) count++;
  const drained = new Promise<string>((resolve) => duplex.once("drain", () => resolve("drain")));
  peer.resume();
  return [duplex.writableNeedDrain, await drained];
});

each("leaves the events of the socket as they are", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  const duplex = lab.api.createWebSocketStream(socket);
  duplex.resume();
  log.length = 0;
  raw.write(text("one"), { opcode: 9, payload: Buffer.from("two") });
  await until(log, "ping");
  return log;
});

both("supports for await until the end", async (lab) => {
  const { client, peer } = await lab.pair();
  const duplex = lab.client.createWebSocketStream(client, { readableObjectMode: true });
  peer.send("one");
  peer.send("two");
  peer.close();
  const seen: string[] = [];
  for await (const chunk of duplex) seen.push(show(chunk));
  return seen;
});
