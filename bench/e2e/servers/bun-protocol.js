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

/** What the socket does not take waits for "drain", and so does the client, which is not read from meanwhile. */
function flush(socket) {
  const { data } = socket;
  for (;;) {
    if (data.unsent.length === 0) data.unsent = data.echo.take();
    const [part] = data.unsent;
    if (part === undefined) break;
    const written = socket.write(part);
    if (written < 0) return;
    if (written < part.length) {
      data.unsent[0] = part.subarray(written);
      data.full = true;
      socket.pause();
      return;
    }
    data.unsent.shift();
  }
  if (!data.full) return;
  data.full = false;
  socket.resume();
}
console.log(server.port);
