/* global Bun */
// wsframe/streams over Bun's own sockets, whose callbacks are first turned into a pair of streams.
import { acceptWebSocketStream } from "wsframe/streams";

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      const { readable, writable } = (socket.data = pairOf(socket));
      // Fails when the load cuts its connections at the end.
      echo({ readable, writable }).catch(() => {});
    },
    data: (socket, chunk) => socket.data.receive(chunk),
    drain: (socket) => socket.data.drained(),
    close: (socket) => socket.data.closed(),
  },
});

function pairOf(socket) {
  let drained = () => {};
  let input;
  const readable = new ReadableStream(
    {
      start: (controller) => void (input = controller),
      pull: () => socket.resume(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 65_536 }),
  );
  const writable = new WritableStream({
    async write(chunk) {
      for (let rest = chunk; ;) {
        const written = socket.write(rest);
        if (written < 0) throw new Error("The peer has gone");
        if (written === rest.length) return;
        rest = rest.subarray(written);
        await /** @type {Promise<void>} */ (new Promise((resolve) => (drained = resolve)));
      }
    },
    close: () => void socket.end(),
    abort: () => void socket.terminate(),
  });
  return {
    readable,
    writable,
    receive(chunk) {
      input.enqueue(chunk);
      if (input.desiredSize <= 0) socket.pause();
    },
    drained: () => drained(),
    closed() {
      try {
        input.close();
      } catch {
        // The stream is already closed or cancelled.
      }
      drained();
    },
  };
}

async function echo(duplex) {
  const { readable, writable } = await acceptWebSocketStream(duplex);
  await readable.pipeTo(writable);
}
console.log(server.port);
