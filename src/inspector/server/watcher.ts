import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { perMessageDeflate } from "wsframe";
import { type Connection, upgrade } from "wsframe/node";
import { type AnswerMode, type Command, type Notice, packChunk } from "../channel.ts";
import { act, ACTION_NAMES } from "./actions.ts";
import { TappedSocket } from "./tapped-socket.ts";

/** How many bytes may wait for the page before the watched connection is held up. */
const HIGH_WATER_MARK = 4 * 1024 * 1024;
/** A fragmented answer has this many frames. */
const FRAGMENTS = 3;
/** The longest command, in bytes. */
export const MAX_COMMAND = 4096;

/** The connection that the page shows. */
interface Watched {
  readonly connection: Connection;
  readonly write: (bytes: Uint8Array) => void;
}

/** A page: its control connection, and the connections that it watches. */
export class Watcher {
  /** The id in the URLs of the page's connections. */
  readonly id: string = randomBytes(16).toString("hex");
  readonly #page: Connection;
  readonly #open = new Set<Connection>();
  #count = 0;
  #latest: Watched | undefined = undefined;
  #answer: AnswerMode = "echo";

  constructor(page: Connection) {
    this.#page = page;
    this.#tell({ type: "watching", id: this.id, actions: ACTION_NAMES });
    page.on("message", (message) => {
      const command = typeof message === "string" ? readCommand(message) : undefined;
      if (command) this.#obey(command);
      else page.close(1008, "Unknown command");
    });
    page.on("close", () => {
      for (const connection of this.#open) connection.close(1001);
    });
  }

  /** Accepts a connection, and answers its messages. The page gets all of its bytes, including the head of the response. */
  watch(request: IncomingMessage, socket: Socket, head: Uint8Array, options: { readonly deflate: boolean }): void {
    const number = ++this.#count;
    const start = performance.now();
    const tell = (sender: "client" | "server", bytes: Uint8Array): Promise<void> | undefined => {
      if (this.#page.readyState !== 1) return undefined;
      this.#page.send(packChunk({ sender, connection: number, time: performance.now() - start, bytes }));
      return this.#page.bufferedAmount > HIGH_WATER_MARK ? this.#page.drained() : undefined;
    };
    this.#tell({ type: "open", connection: number, request: headOf(request) });
    // Nagle's algorithm would hold back small messages.
    socket.setNoDelay(true);
    const tapped = new TappedSocket(socket, tell);
    if (head.length > 0) void tell("client", head);
    const extensions = options.deflate ? [perMessageDeflate()] : [];
    const connection = upgrade(request, tapped, head, { extensions });
    socket.on("close", () => this.#tell({ type: "closed", connection: number }));
    if (!connection) return;
    this.#open.add(connection);
    this.#latest = { connection, write: (bytes) => void (tapped.writable && tapped.write(bytes)) };
    connection.on("close", () => this.#open.delete(connection));
    connection.on("message", (data) => {
      if (this.#answer === "nothing") return;
      const length = typeof data === "string" ? Buffer.byteLength(data) : data.length;
      const fragmentSize = this.#answer === "fragments" ? Math.max(1, Math.ceil(length / FRAGMENTS)) : undefined;
      connection.send(data, { fragmentSize });
    });
  }

  #tell(notice: Notice): void {
    this.#page.send(JSON.stringify(notice));
  }

  #obey(command: Command): void {
    if (command.type === "answer") {
      this.#answer = command.mode;
      return;
    }
    if (!this.#latest) return;
    const { connection, write } = this.#latest;
    act(command.action, connection, write);
  }
}

/** Rebuilds the head of a request, with the original order and case of its fields. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return lines.join("\r\n");
}

/** Parses a command; undefined if it is invalid. */
function readCommand(text: string): Command | undefined {
  try {
    const { type, mode, action } = JSON.parse(text) as Record<string, unknown>;
    if (type === "answer" && (mode === "echo" || mode === "fragments" || mode === "nothing")) return { type, mode };
    if (type === "act" && typeof action === "string") return { type, action };
  } catch {
    // Not JSON, or not an object.
  }
  return undefined;
}
