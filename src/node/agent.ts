import { type Agent, OutgoingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { ClientRequest } from "../index.ts";

/**
 * The method that node:http calls for a socket. Agents for proxies replace it (agent-base), or createConnection(),
 * which it calls.
 */
interface SocketMaker {
  createSocket(request: OutgoingMessage, options: object, done: (error: Error | null, socket?: Duplex) => void): void;
}

/**
 * Opens a socket for a session of HTTP/2, with the options of an agent. The socket does not return to the agent.
 * @throws (rejects) TypeError if the agent cannot open one; the error of the agent; the reason of the signal @internal
 */
export function socketOf(
  agent: Agent,
  { secure, host, port, headers }: ClientRequest,
  options: TlsOptions & { readonly socketPath?: string | undefined },
  signal: AbortSignal,
): Promise<Socket> {
  if (!makesSockets(agent))
    throw new TypeError("The `agent` cannot open a socket for HTTP/2: it has no createSocket()");
  // Replaces the request: an agent may read its Host, and some agents emit "socket" on it.
  const request = new OutgoingMessage();
  request.setHeader("Host", headers.find(([name]) => name === ":authority")?.[1] ?? host);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort);
    const settings = { ...options, host, port, secureEndpoint: secure, protocol: secure ? "https:" : "http:" };
    agent.createSocket(request, settings, (error, stream) => {
      signal.removeEventListener("abort", abort);
      if (error) {
        reject(error);
        return;
      }
      const socket = stream as Socket;
      if (signal.aborted) {
        socket.destroy();
        return;
      }
      socket.emit("agentRemove");
      request.emit("socket", socket);
      // The agent is for http:, or its proxy has refused the connection.
      if (secure && !("encrypted" in socket && socket.encrypted === true)) {
        socket.destroy();
        reject(new Error("The agent did not open a TLS connection"));
        return;
      }
      resolve(socket);
    });
  });
}

function makesSockets(agent: Agent): agent is Agent & SocketMaker {
  return "createSocket" in agent && typeof agent.createSocket === "function";
}
