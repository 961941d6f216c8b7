// For the type check of JavaScript: what the types of others leave out.
/* oxlint-disable typescript/no-explicit-any */

import type { AddressInfo } from "node:net";
import type { Connection } from "wsframe/node";

declare module "node:net" {
  interface Server {
    // Our servers listen on ports.
    address(): AddressInfo;
  }
}

declare module "ws" {
  const Receiver: any;
  const Sender: any;
}

declare module "fastify" {
  interface FastifyInstance {
    /** From the plugin of examples/fastify.mjs. */
    webSockets: Set<Connection>;
  }
}
