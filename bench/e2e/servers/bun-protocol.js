/* global Bun */
// Protocol over Bun's own sockets.
import { Echo } from "./echo.js";

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = { echo: new Echo(), unsent: [] };
    },
    data(socket, chunk) {
      socket.data.echo.receive(chunk);
      flush(socket);
    },
    drain: flush,
  },
});

/** The output buffer, which all sockets share. */
const output = new Uint8Array(1 << 20);

/** Output that the socket does not accept waits for "drain". Meanwhile, the client is not read. */
function flush(socket) {
  const { data } = socket;
  for (;;) {
    const length = data.unsent.length === 0 ? data.echo.takeInto(output) : 0;
    if (length === 0 && data.unsent.length === 0) data.unsent = data.echo.take();
    const part = length > 0 ? output.subarray(0, length) : data.unsent[0];
    if (part === undefined) break;
    const written = socket.write(part);
    if (written < 0) return;
    if (written < part.length) {
      // A copy, because the next socket writes its output to the same memory.
      data.unsent[0] = length > 0 ? part.slice(written) : part.subarray(written);
      data.full = true;
      socket.pause();
      return;
    }
    if (length === 0) data.unsent.shift();
  }
  if (!data.full) return;
  data.full = false;
  socket.resume();
}
console.log(server.port);
