/* global Deno */
import { turns } from "./turns.js";

const open = new Set();
const ask = turns((text) => {
  for (const socket of open) socket.send(text);
});
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.addEventListener("open", () => open.add(socket));
  socket.addEventListener("close", () => open.delete(socket));
  socket.addEventListener("message", ask);
  return response;
});
