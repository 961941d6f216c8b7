// A link over the WebSocket class of browsers, in a page or in undici.

import type { Sha256 } from "../chain.ts";
import type { Contents } from "../contents.ts";
import type { Order } from "../order.ts";
import { refused, type Report } from "../report.ts";
import { ClientSession, drainedBelow, type Link } from "../session.ts";

/** The fields of all events. Each event has some of them. */
interface Told {
  readonly data?: string | ArrayBuffer;
  readonly code?: number;
  readonly message?: string;
  readonly error?: unknown;
}

/** The parts of a WebSocket that are used. undici's types differ from those of the DOM. */
export interface Whatwg {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: Event & Told) => void): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code: number): void;
}

const OPEN = 1;
/** The most unsent data, in bytes. */
const MARK = 1 << 20;

export function converse(socket: Whatwg, order: Order, contents: Contents, sha256: Sha256): Promise<Report> {
  const link: Link = {
    get isOpen() {
      return socket.readyState === OPEN;
    },
    get waiting() {
      return socket.bufferedAmount;
    },
    send(data) {
      socket.send(data);
      return true;
    },
    drained: () => drainedBelow(link, MARK),
    close: (code) => socket.close(code),
  };
  const session = new ClientSession(order, link, contents, sha256);
  socket.binaryType = "arraybuffer";
  let opened = false;
  let error: string | undefined;
  socket.addEventListener("open", () => {
    opened = true;
    void session.start();
  });
  socket.addEventListener("message", ({ data }) => {
    session.message(typeof data === "string" ? data : new Uint8Array(data!));
  });
  socket.addEventListener("error", ({ message = "an error event", error: reason }) => {
    error = reason instanceof Error ? `${message} ${String(reason.cause ?? "")}` : message;
  });
  return new Promise((resolve) => {
    socket.addEventListener("close", ({ code = 1006 }) => {
      resolve(opened ? session.report(code, error) : refused(error));
    });
  });
}
