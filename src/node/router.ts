// Which serve() of a server takes a request: several may share one, and other listeners may be there.

import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { Http2ServerRequest, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { type Rejection, rejectHandshake } from "../index.ts";
import { type Caller, callerOfSocket, callerOfStream } from "./caller.ts";

/** One serve(). @internal */
export interface Route {
  /** Undefined for any path that no other has. */
  readonly path: string | undefined;
  admit(caller: Caller): void;
  refuse(caller: Caller, rejection: Rejection): void;
}

const routers: WeakMap<EventEmitter, Router> = new WeakMap();

/**
 * Has a serve() take the requests of a server that are for its path. Returns what takes that back.
 * @throws Error if another has the same path @internal
 */
export function attach(server: EventEmitter, route: Route): () => void {
  let router = routers.get(server);
  if (router === undefined) routers.set(server, (router = new Router(server)));
  router.add(route);
  return () => router.remove(route);
}

/** The listeners of one server, which are there as long as one of its serve() is. */
class Router {
  readonly #server: EventEmitter;
  readonly #routes: Route[] = [];
  /** The streams that a 'connect' event has told of. */
  readonly #connecting: WeakSet<ServerHttp2Stream> = new WeakSet();

  constructor(server: EventEmitter) {
    this.#server = server;
  }

  add(route: Route): void {
    if (this.#routes.some(({ path }) => path === route.path)) {
      const which = route.path === undefined ? "without a path" : `with the path ${JSON.stringify(route.path)}`;
      throw new Error(`This server has a serve() ${which} already`);
    }
    if (this.#routes.push(route) > 1) return;
    this.#server.on("upgrade", this.#onUpgrade);
    this.#server.on("connect", this.#onConnect);
    this.#server.on("stream", this.#onStream);
  }

  remove(route: Route): void {
    const at = this.#routes.indexOf(route);
    if (at < 0) return;
    this.#routes.splice(at, 1);
    if (this.#routes.length > 0) return;
    this.#server.off("upgrade", this.#onUpgrade);
    this.#server.off("connect", this.#onConnect);
    this.#server.off("stream", this.#onStream);
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Uint8Array): void => {
    const caller = callerOfSocket(request, socket, head);
    const route = this.#find(request.url);
    if (route) route.admit(caller);
    else if (!this.#hasOthers("upgrade")) this.#refuse(caller, rejectHandshake({ status: 404 }));
  };

  readonly #onConnect = (request: IncomingMessage | Http2ServerRequest, socket: Duplex, head: Uint8Array): void => {
    if ("stream" in request) {
      const stream = request.stream as ServerHttp2Stream;
      this.#connecting.add(stream);
      this.#connect(request, stream, "connect");
    } else if (!this.#hasOthers("connect")) {
      const rejection = rejectHandshake({ status: 405, headers: [["Allow", "GET"]] });
      this.#refuse(callerOfSocket(request, socket, head), rejection);
    }
  };

  /** A server of HTTP/2 has no 'connect' event, if nobody has ever listened to its 'request'. */
  readonly #onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: readonly string[],
  ): void => {
    if (headers[":method"] !== "CONNECT" || headers[":protocol"] !== "websocket") return;
    // Others hear of it first: what is to make it a 'connect' event is one of them.
    process.nextTick(() => {
      if (this.#connecting.has(stream) || this.#routes.length === 0) return;
      this.#connect(new Http2ServerRequest(stream, headers, {}, rawHeaders), stream, "stream");
    });
  };

  #connect(request: Http2ServerRequest, stream: ServerHttp2Stream, event: "connect" | "stream"): void {
    const caller = callerOfStream(request, stream);
    // Without it this is for a proxy: there is no path to look at, and the handshake refuses it.
    const isForProxy = request.headers[":protocol"] === undefined;
    const route = isForProxy ? undefined : this.#find(request.url);
    if (route) route.admit(caller);
    else if (this.#hasOthers(event)) return;
    else if (isForProxy) this.#routes[0]?.admit(caller);
    else this.#refuse(caller, rejectHandshake({ status: 404 }));
  }

  /** The route that was there first reports it. */
  #refuse(caller: Caller, rejection: Rejection): void {
    this.#routes[0]?.refuse(caller, rejection);
  }

  #find(url: string | undefined): Route | undefined {
    const target = pathOf(url);
    return this.#routes.find(({ path }) => path === target) ?? this.#routes.find(({ path }) => path === undefined);
  }

  #hasOthers(event: "upgrade" | "connect" | "stream"): boolean {
    return this.#server.listenerCount(event) > 1;
  }
}

/** The target without its query; it may be a whole URL (RFC 9112 §3.2.2). */
function pathOf(url: string = ""): string {
  const path = url.split("?", 1)[0]!;
  if (path.startsWith("/")) return path;
  return URL.canParse(path) ? new URL(path).pathname : path;
}
