import { perMessageDeflate } from "wsframe";
import { serve } from "wsframe/node";
import { certificate } from "./certificate.js";
import { compressed } from "./compressed.js";

const extensions = compressed === undefined ? [] : [perMessageDeflate({ threshold: 0 })];
const options = { host: "127.0.0.1", extensions, ...(certificate && { tls: certificate }) };
const server = await serve(options, (connection) => {
  connection.on("message", (data) => connection.send(data));
});
console.log(server.port);
