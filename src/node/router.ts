// Finds the serve() for a request. Several may share a server, which may also have other listeners.

import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { Http2ServerRequest, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { type Rejection, rejectHandshake } from "../index.ts";
import { type Caller, callerOfSocket, callerOfStream, type ServerRequest } from "./caller.ts";

/** One serve(). @internal */
export interface Route {
  /** Undefined for any path that no other route has. */
  readonly path: string | undefined;
  admit(caller: Caller): void;
  refuse(caller: Caller, rejection: Rejection): void;
}

const routers: WeakMap<EventEmitter, Router> = new WeakMap();

/**
 * Adds a route to a server: it gets the requests for its path. Returns a function that removes it.
 * @throws Error if another route has the same path @internal
 */
export function attach(server: EventEmitter, route: Route): () => void {
  let router = routers.get(server);
  if (router === undefined) routers.set(server, (router = new Router(server)));
  router.add(route);
  return () => router.remove(route);
}

/** The listeners of one server, as long as it has routes. */
class Router {
  readonly #server: EventEmitter;
  readonly #routes: Route[] = [];
  /** The streams of 'connect' events. */
  readonly #connecting: WeakSet<ServerHttp2Stream> = new WeakSet();

  constructor(server: EventEmitter) {
    this.#server = server;
  }

  add(route: Route): void {
    if (this.#routes.some(({ path }) => path === route.path)) {
      const which = route.path === undefined ? "without a `path`" : `with the path ${JSON.stringify(route.path)}`;
      throw new Error(`This server already has a serve() ${which}: give this one another \`path\``);
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

  readonly #onConnect = (request: ServerRequest, socket: Duplex, head: Uint8Array): void => {
    if ("stream" in request) {
      const stream = request.stream as ServerHttp2Stream;
      this.#connecting.add(stream);
      this.#connect(request, stream, "connect");
    } else if (!this.#hasOthers("connect")) {
      const rejection = rejectHandshake({ status: 405, headers: [["Allow", "GET"]] });
      this.#refuse(callerOfSocket(request, socket, head), rejection);
    }
  };

  /** A server of HTTP/2 emits no 'connect' if it has never had a listener of 'request'. */
  readonly #onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: readonly string[],
  ): void => {
    if (headers[":method"] !== "CONNECT" || headers[":protocol"] !== "websocket") return;
    // Later, because the listener that emits 'connect' may come after this one.
    process.nextTick(() => {
      if (this.#connecting.has(stream) || this.#routes.length === 0) return;
      this.#connect(new Http2ServerRequest(stream, headers, {}, rawHeaders), stream, "stream");
    });
  };

  #connect(request: Http2ServerRequest, stream: ServerHttp2Stream, event: "connect" | "stream"): void {
    const caller = callerOfStream(request, stream);
    // Without :protocol, CONNECT is for a proxy and has no path. The handshake refuses it.
    const isForProxy = request.headers[":protocol"] === undefined;
    const route = isForProxy ? undefined : this.#find(request.url);
    if (route) route.admit(caller);
    else if (this.#hasOthers(event)) return;
    else if (isForProxy) this.#routes[0]?.admit(caller);
    else this.#refuse(caller, rejectHandshake({ status: 404 }));
  }

  /** Refuses a caller. The first route reports the refusal. */
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

/** The target without its query. It may be a whole URL (RFC 9112 §3.2.2). */
function pathOf(url: string = ""): string {
  const path = url.split("?", 1)[0]!;
  if (path.startsWith("/")) return path;
  return URL.canParse(path) ? new URL(path).pathname : path;
}
