// Keeps the peers of each namespace, and the subscribers of each topic.

import type { Peer } from "crossws";
import type { Broadcast } from "./data.ts";
import type { WsframePeer } from "./peer.ts";

/** The peers of one namespace. */
export class Room {
  readonly peers: Set<Peer> = new Set();
  readonly #subscribers: Map<string, Set<WsframePeer>> = new Map();

  subscribe(topic: string, peer: WsframePeer): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([peer]));
    else subscribers.add(peer);
  }

  unsubscribe(topic: string, peer: WsframePeer): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers?.delete(peer) === true && subscribers.size === 0) this.#subscribers.delete(topic);
  }

  /** Sends a message to the subscribers of a topic, except one. */
  publish(topic: string, message: Broadcast, except?: WsframePeer): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) return;
    for (const peer of subscribers) if (peer !== except) peer.deliver(message);
  }
}

/** All namespaces that have peers. */
export class Rooms {
  /** The peers of each namespace, as the adapter exposes them. */
  readonly peers: Map<string, Set<Peer>> = new Map();
  readonly #rooms: Map<string, Room> = new Map();

  enter(namespace: string, peer: Peer): Room {
    let room = this.#rooms.get(namespace);
    if (room === undefined) {
      this.#rooms.set(namespace, (room = new Room()));
      this.peers.set(namespace, room.peers);
    }
    room.peers.add(peer);
    return room;
  }

  leave(namespace: string, peer: Peer): void {
    const room = this.#rooms.get(namespace);
    if (room === undefined) return;
    room.peers.delete(peer);
    // By default the path is the namespace, so empty rooms are removed: clients could otherwise fill memory with new paths.
    if (room.peers.size > 0) return;
    this.#rooms.delete(namespace);
    this.peers.delete(namespace);
  }

  /** Sends a message to the subscribers in one namespace, or in all. */
  publish(topic: string, message: Broadcast, namespace: string | undefined): void {
    if (namespace) this.#rooms.get(namespace)?.publish(topic, message);
    else for (const room of this.#rooms.values()) room.publish(topic, message);
  }
}
