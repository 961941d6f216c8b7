// A WHATWG Request of a request of node:http. Making a real one costs more than the rest of a handshake, and hooks hardly
// ever read more than its URL and its header fields: so it is made when something else is asked for.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** What a Host field can be: nothing that would end the authority of a URL, or that names a user. */
const HOST = /^[^\s/?#@\\]+$/;

/** The URL of a request, or undefined if what it says is no URL of http or https. */
function urlOf({ headers, socket, url: target = "/" }: IncomingMessage): URL | undefined {
  const { host = "localhost", "x-forwarded-proto": forwarded } = headers;
  if (!HOST.test(host)) return undefined;
  const encrypted = socket && "encrypted" in socket ? socket.encrypted === true : forwarded === "https";
  try {
    const url = new URL(target.startsWith("/") ? `${encrypted ? "https" : "http"}://${host}${target}` : target);
    return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for a request that has no URL. What it returns keeps the header fields, and nothing else of the request. */
export function toRequest(nodeRequest: IncomingMessage): Request | undefined {
  const url = urlOf(nodeRequest);
  if (url === undefined) return undefined;
  const request: unknown = new UpgradeRequest(url.href, nodeRequest.headers);
  // It is one, by its prototype.
  if (!(request instanceof Request)) throw new TypeError("This platform has another Request");
  return request;
}

class UpgradeRequest {
  readonly #url: string;
  readonly #fields: IncomingHttpHeaders;
  #headers: Headers | undefined = undefined;
  #whole: Request | undefined = undefined;

  constructor(url: string, fields: IncomingHttpHeaders) {
    this.#url = url;
    this.#fields = fields;
  }

  get url(): string {
    return this.#url;
  }

  get headers(): Headers {
    return (this.#headers ??= toHeaders(this.#fields));
  }

  /** Always: nothing else is a handshake. */
  get method(): string {
    return "GET";
  }

  /** A real one, for everything else. */
  get whole(): Request {
    return (this.#whole ??= new Request(this.#url, { headers: this.headers }));
  }
}

function toHeaders(fields: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const name of Object.keys(fields)) {
    for (const value of [fields[name] ?? []].flat()) headers.append(name, value);
  }
  return headers;
}

Object.setPrototypeOf(UpgradeRequest.prototype, Request.prototype);
for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(Request.prototype))) {
  if (Object.hasOwn(UpgradeRequest.prototype, name) || name === "constructor") continue;
  const member: PropertyDescriptor & ThisType<UpgradeRequest> = get
    ? { get: ofWhole(get) }
    : { value: ofWhole(value as Member), writable: true };
  Object.defineProperty(UpgradeRequest.prototype, name, { ...member, configurable: true });
}

type Member = (...args: unknown[]) => unknown;

/** A getter or a method, of the real request. */
function ofWhole(member: Member) {
  return function (this: UpgradeRequest, ...args: unknown[]): unknown {
    return member.apply(this.whole, args);
  };
}
