// Makes a WHATWG Request from a request of node:http. A real Request takes longer to make than the rest of a handshake, and most
// hooks read only the URL and header fields, so it is made when another member is used.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** A Host field without characters that would end the authority of a URL, or that would name a user. */
const HOST = /^[^\s/?#@\\]+$/;

/** The URL of a request, or undefined if it is not a valid URL of http or https. */
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

/** Makes the Request, or returns undefined if the URL is not valid. The result keeps only the header fields of `nodeRequest`. */
export function toRequest(nodeRequest: IncomingMessage): Request | undefined {
  const url = urlOf(nodeRequest);
  if (url === undefined) return undefined;
  const request: unknown = new UpgradeRequest(url.href, nodeRequest.headers);
  // True because of its prototype; the check narrows the type.
  if (!(request instanceof Request))
    throw new TypeError("globalThis.Request has been replaced: load wsframe/crossws after that");
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

  /** A handshake is always a GET. */
  get method(): string {
    return "GET";
  }

  /** A real Request, for all other members. */
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

/** Makes a getter or a method that calls that of the real Request. */
function ofWhole(member: Member) {
  return function (this: UpgradeRequest, ...args: unknown[]): unknown {
    return member.apply(this.whole, args);
  };
}
