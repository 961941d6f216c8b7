import { serve } from "../../../dist/node.js";
import { certificate } from "./certificate.js";

const options = { host: "127.0.0.1", ...(certificate && { tls: certificate }) };
const server = await serve(options, (connection) => {
  connection.on("message", (data) => connection.send(data));
});
console.log(server.port);
