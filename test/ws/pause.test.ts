// pause(), resume() and isPaused.

import { setTimeout as sleep } from "node:timers/promises";
import { both, differs, each } from "./support/both.ts";
import { outcome, until } from "./support/log.ts";
import { binary, closing, text } from "./support/raw.ts";

for (const role of ["server", "client"] as const) {
  each(`${role}: sets isPaused, and emits nothing while paused`, async (lab) => {
    const { socket, log, raw } = await lab.against(role);
    log.length = 0;
    const states = [socket.isPaused];
    socket.pause();
    states.push(socket.isPaused);
    raw.write(text("one"));
    await sleep(15);
    const before = log.length;
    socket.resume();
    states.push(socket.isPaused);
    await until(log, "message");
    return { states, before, log };
  });

  each(`${role}: ignores a second call`, async (lab) => {
    const { socket, log, raw } = await lab.against(role);
    log.length = 0;
    socket.pause();
    socket.pause();
    socket.resume();
    const state = socket.isPaused;
    socket.resume();
    raw.write(text("one"));
    await until(log, "message");
    return { state, log };
  });

  each(`${role}: can send while paused`, async (lab) => {
    const { socket, raw } = await lab.against(role);
    socket.pause();
    socket.send("one");
    socket.ping("two");
    return raw.seesFrames(2);
  });

  each(`${role}: close() while paused`, async (lab) => {
    const { socket, log, raw } = await lab.against(role);
    log.length = 0;
    socket.pause();
    socket.close(1000);
    await raw.seesFrames(1);
    raw.write(text("late"), closing(1000));
    await sleep(10);
    const before = [...log];
    socket.resume();
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { before, log };
  });

  differs(
    `${role}: terminate() while paused`,
    "`terminate()`",
    async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.pause();
      raw.write(text("one"));
      await sleep(10);
      socket.terminate();
      await until(log, "close");
      return [...log, `paused ${socket.isPaused}`];
    },
    {
      ws: ["message Buffer one", "close 1006 Buffer ", "paused true"],
      wsframe: ["close 1006 Buffer ", "paused true"],
    },
  );
}

each("has no effect before it is open", async (lab) => {
  const { url } = await lab.listen();
  const { socket, log } = lab.connect(url);
  socket.pause();
  const paused = socket.isPaused;
  socket.resume();
  await until(log, "open");
  return [paused, socket.isPaused];
});

each("has no effect after it has closed", async (lab) => {
  const { socket, log } = await lab.against("client");
  socket.terminate();
  await until(log, "close");
  return [outcome(() => socket.pause()), socket.isPaused, outcome(() => socket.resume()), socket.isPaused];
});

both("pause() in a listener delays later messages until resume()", async (lab) => {
  const { client, peer, log } = await lab.pair();
  log.client.length = 0;
  client.on("message", () => client.pause());
  peer.send("one");
  await until(log.client, "message");
  const state = client.isPaused;
  peer.send("two");
  await sleep(15);
  const before = [...log.client];
  client.resume();
  await until(log.client, "message", 2);
  return { state, before, log: log.client };
});

differs(
  "pause() in a listener, with more messages in the chunk",
  "`pause()`",
  async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    socket.once("message", () => socket.pause());
    raw.write(text("one"), text("two"), text("three"));
    await until(log, "message");
    await sleep(5);
    const before = [...log];
    socket.resume();
    await until(log, "message", 3);
    return { before, log };
  },
  {
    ws: {
      before: ["message Buffer one", "message Buffer two", "message Buffer three"],
      log: ["message Buffer one", "message Buffer two", "message Buffer three"],
    },
    wsframe: {
      before: ["message Buffer one"],
      log: ["message Buffer one", "message Buffer two", "message Buffer three"],
    },
  },
);

for (const type of ["nodebuffer", "arraybuffer"] as const) {
  each(`emits a waiting empty message first after resume(): ${type}`, async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    socket.binaryType = type;
    socket.on("message", () => {
      socket.pause();
      setImmediate(() => socket.resume());
    });
    raw.write(text("one"), text(""), text("two"), binary(""), binary("three"), binary(""), closing(1000));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });
}

both("makes a peer wait that sends more than is read", async (lab) => {
  const { client, peer, log } = await lab.pair();
  log.peer.length = 0;
  peer.pause();
  const chunk = Buffer.alloc(1 << 20);
  for (let index = 0; index < 16; index++) client.send(chunk);
  await sleep(30);
  const waits = client.bufferedAmount > 0;
  const before = log.peer.length;
  peer.resume();
  await until(log.peer, "message", 16);
  return [waits, before, log.peer.length];
});

both("emits the end of the connection after resume()", async (lab) => {
  const { client, peer, log } = await lab.pair();
  log.peer.length = 0;
  peer.pause();
  client.send("one");
  client.close(1000, "bye");
  await sleep(15);
  const before = [...log.peer];
  peer.resume();
  await until(log.peer, "close");
  return { before, log: log.peer };
});
