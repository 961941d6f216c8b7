// A client of the soak test: undici.

import { Agent, WebSocket } from "undici";
import { sha256, TLS } from "../node.ts";
import { run } from "./node.ts";
import { converse } from "./whatwg.ts";

const dispatcher = new Agent({ connect: { ca: TLS.cert } });

run((order, contents) => converse(new WebSocket(order.url, { dispatcher }), order, contents, sha256));
