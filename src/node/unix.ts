import type { UrlSource } from "../index.ts";

/** Where to connect, and what to request there. @internal */
export interface Address {
  readonly url: UrlSource;
  /** The Unix socket to connect to; undefined for the host and port of the URL. */
  readonly socketPath: string | undefined;
}

/**
 * Reads a `ws+unix:` URL, as in ws: `ws+unix:/path/of/the.sock:/path/of/the/request`. Returns other URLs unchanged.
 * @throws TypeError @internal
 */
export function readAddress(source: UrlSource, socketPath: string | undefined): Address {
  if (socketPath !== undefined && (typeof socketPath !== "string" || socketPath === ""))
    throw new TypeError("socketPath must be a string, and not empty");
  const text = typeof source === "string" ? source : source.href;
  const scheme = /^\s*(wss?)\+unix:/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { url: source, socketPath };
  if (socketPath !== undefined) throw new TypeError("A ws+unix: URL names its socket: remove the option socketPath");
  const { pathname, search, hash } = new URL(text);
  const colon = pathname.indexOf(":");
  const path = decode(colon < 0 ? pathname : pathname.slice(0, colon));
  if (path === "") throw new TypeError("A ws+unix: URL must have the path of a socket");
  const target = (colon < 0 ? "" : pathname.slice(colon + 1)) + search + hash;
  return { url: `${scheme}://localhost${target.startsWith("/") ? "" : "/"}${target}`, socketPath: path };
}

/** @throws TypeError */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new TypeError("The path of a ws+unix: URL must be percent-encoded UTF-8");
  }
}
