import { PreparedMessage } from "wsframe";
import { serve } from "wsframe/node";
import { turns } from "./turns.js";

const ask = turns((text) => {
  const message = new PreparedMessage(text);
  for (const connection of server.connections) connection.send(message);
});
const server = await serve({ host: "127.0.0.1" }, (connection) => {
  connection.on("message", ask);
});
console.log(server.port);
