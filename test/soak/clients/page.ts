// A client of the soak test: the script of a page in a browser.

import type { Sha256 } from "../chain.ts";
import { Contents } from "../contents.ts";
import type { Order } from "../order.ts";
import { refused, type Report } from "../report.ts";
import { ClientSession, type Link, type Message, sleep } from "../session.ts";
import { converse } from "./whatwg.ts";

/** The parts of WebSocketStream that are used. It has no types yet. With it, a page can read slowly. */
interface Stream {
  readonly opened: Promise<{
    readonly readable: ReadableStream<string | ArrayBuffer>;
    readonly writable: WritableStream;
  }>;
  readonly closed: Promise<{ readonly closeCode: number }>;
  close(info: { closeCode: number }): void;
}

declare global {
  var soak: ((order: Order, seed: number) => Promise<Report>) | undefined;
  var WebSocketStream: (new (url: string) => Stream) | undefined;
}

const sha256: Sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
let contents: Contents | undefined;

async function readSlowly(stream: Stream, order: Order, contents: Contents): Promise<Report> {
  let isOpen = true;
  let code = 1006;
  const ended = stream.closed.then(
    ({ closeCode }) => (code = closeCode),
    () => {},
  );
  void ended.then(() => (isOpen = false));
  const { readable, writable } = await stream.opened;
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const link: Link = {
    get isOpen() {
      return isOpen;
    },
    waiting: 0,
    send(data: Message) {
      writer.write(data).catch(() => {});
      return true;
    },
    drained: () => writer.ready.catch(() => {}),
    close(closeCode) {
      isOpen = false;
      stream.close({ closeCode });
    },
  };
  const session = new ClientSession(order, link, contents, sha256);
  void session.start();
  const reader = readable.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      await sleep(order.slowClient);
      session.message(typeof read.value === "string" ? read.value : new Uint8Array(read.value));
    }
  } catch {
    // The connection was cut, which `closed` reports.
  }
  await ended;
  return session.report(code);
}

globalThis.soak = (order, seed) => {
  contents ??= new Contents(seed);
  if (order.slowClient === 0 || globalThis.WebSocketStream === undefined) {
    return converse(new WebSocket(order.url), order, contents, sha256);
  }
  return readSlowly(new globalThis.WebSocketStream(order.url), order, contents).catch(refused);
};
