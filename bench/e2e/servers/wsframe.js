import { serve } from "../../../dist/node.js";

const server = await serve({ host: "127.0.0.1" }, (connection) => {
  connection.on("message", (data) => connection.send(data));
});
console.log(server.port);
