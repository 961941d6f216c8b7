import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AdapterInstance, Peer } from "crossws";
import { type Rejection, rejectHandshake } from "../index.ts";
import { reject, upgrade } from "../node/index.ts";
import { tellRefused } from "../node/refusal.ts";
import { rejectionOf } from "./answer.ts";
import { Broadcast } from "./data.ts";
import { type Admitted, decide } from "./hooks.ts";
import { extensionsFor, readOptions, type WsframeAdapterOptions } from "./options.ts";
import { type Shared, WsframePeer } from "./peer.ts";
import { toRequest } from "./request.ts";
import { Rooms } from "./rooms.ts";
import { Relay } from "./relay.ts";

/** The result of wsframeAdapter(). It has the same members as the adapter of "crossws/adapters/node". */
export interface WsframeAdapter extends AdapterInstance {
  /**
   * A listener for the "upgrade" event of a server of node:http or node:https. Hooks get `webRequest`, which is made from `request`
   * by default.
   *
   * @returns a promise that resolves when the hooks have decided and the client has been answered. It never rejects: errors go to
   *   `onRefused` of `serverOptions`
   */
  readonly handleUpgrade: (
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest?: Request,
  ) => Promise<void>;
  /** Closes all peers, or with `force` destroys their sockets. @throws RangeError for a code that must not be sent */
  readonly closeAll: (code?: number, reason?: string | Uint8Array, force?: boolean) => void;
}

/**
 * Creates an adapter for crossws that uses connections of `wsframe/node`. It supports hooks, peers, topics, namespaces and `sync`.
 *
 * A published message is encoded and compressed once for all subscribers. If the upgrade hook fails, the client gets a 500. If
 * another hook throws, that is an uncaught exception; if its promise rejects, that is an unhandled rejection.
 *
 * @throws TypeError, RangeError for invalid or unknown options
 */
export function wsframeAdapter(options: WsframeAdapterOptions = {}): WsframeAdapter {
  const serverOptions = readOptions(options);
  const rooms = new Rooms();
  const relay = options.sync && new Relay(options.sync({ id: crypto.randomUUID() }), rooms, options.onError);
  const shared: Shared = { options, rooms, relay, keepsAlive: serverOptions.pingInterval !== Infinity };

  async function handleUpgrade(
    nodeRequest: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest: Request | undefined = toRequest(nodeRequest),
  ): Promise<void> {
    if (socket.destroyed) return;
    if (webRequest === undefined) {
      refuse(nodeRequest, socket, rejectHandshake({ status: 400 }));
      return;
    }
    // Until there is a connection, the socket has no other listener for errors.
    socket.on("error", destroy);
    try {
      const decision = await decide(options, webRequest);
      if (decision.type === "admitted") open(nodeRequest, socket, head, webRequest, decision.admitted);
      else if (decision.type === "answered") refuse(nodeRequest, socket, await rejectionOf(decision.response));
    } catch (error) {
      refuse(nodeRequest, socket, rejectHandshake({ status: 500 }), error);
    }
    socket.off("error", destroy);
  }

  function refuse(
    request: IncomingMessage,
    socket: Duplex,
    rejection: Rejection,
    error: unknown = rejection.error,
  ): void {
    // The client has disconnected, or upgrade() has refused it.
    if (socket.destroyed || socket.writableEnded) return;
    reject(socket, rejection);
    tellRefused(serverOptions.onRefused, request, { status: rejection.status, error });
  }

  function open(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    webRequest: Request,
    admitted: Admitted,
  ): void {
    const { headers, protocol, deflate } = admitted;
    const extensions = extensionsFor(deflate, serverOptions.extensions);
    const own = { ...serverOptions, headers, extensions, protocols: () => protocol };
    const connection = upgrade(request, socket, head, own);
    if (connection === undefined) return;
    new WsframePeer(connection, webRequest, admitted, request.socket?.remoteAddress, shared).open();
  }

  function* everybody(): Generator<Peer> {
    for (const peers of rooms.peers.values()) yield* peers;
  }

  return {
    peers: rooms.peers,
    ...(relay && { sync: relay.driver }),
    handleUpgrade,
    publish(topic, data, publishOptions) {
      const message = new Broadcast(data, publishOptions);
      const namespace = publishOptions?.namespace;
      rooms.publish(topic, message, namespace);
      relay?.publish(namespace ?? "", topic, message.payload);
    },
    closeAll(code, reason, force) {
      const text = typeof reason === "object" ? new TextDecoder().decode(reason) : reason;
      for (const peer of everybody()) {
        if (force) peer.terminate();
        else peer.close(code, text);
      }
    },
    async close(code, reason) {
      for (const peer of everybody()) peer.close(code, reason);
      await relay?.driver.close?.();
    },
  };
}

/** A shared function, because a closure would keep the request in memory. */
function destroy(this: Duplex): void {
  this.destroy();
}
