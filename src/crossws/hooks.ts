// Calls the hooks of an adapter: those in its options, and those that `resolve` returns for a request.

import type { Hooks, PeerContext } from "crossws";
import { throwLater } from "../node/refusal.ts";
import type { WsframeAdapterOptions } from "./options.ts";

/** The result of the upgrade hook, if it is not a Response. */
type Verdict = Exclude<Awaited<ReturnType<Hooks["upgrade"]>>, Response | void>;
/** The field of the result that controls compression. */
export type Deflate = NonNullable<Verdict["perMessageDeflate"]>;

/** A request as hooks get it. Some servers add a context. */
export type HookRequest = Parameters<Hooks["upgrade"]>[0];

/** A request that the hooks have accepted. */
export interface Admitted {
  readonly namespace: string;
  readonly context: PeerContext;
  /** Header fields for the response. */
  readonly headers: Headers;
  /** The subprotocol, if one was chosen. */
  readonly protocol: string | undefined;
  readonly deflate: Deflate | undefined;
  /** The hooks that `resolve` returned. */
  readonly resolved: Partial<Hooks> | undefined;
}

/**
 * What the hooks decided: accept the request, answer it with a Response, or neither if a hook has taken over its
 * socket.
 */
export type Decision =
  | { readonly type: "admitted"; readonly admitted: Admitted }
  | { readonly type: "answered"; readonly response: Response }
  | { readonly type: "handled" };

/** Calls the upgrade hooks. Rejects with the error of a hook, unless that is a Response or contains one. */
export async function decide(options: WsframeAdapterOptions, request: HookRequest): Promise<Decision> {
  try {
    const context = request.context ?? {};
    const namespace = options.getNamespace?.(request) ?? new URL(request.url).pathname;
    const [given, resolved] = await Promise.all([
      ask(() => options.hooks?.upgrade?.(request)),
      ask(() => options.resolve?.(request)),
    ]);
    // If one hook refuses, the other cannot overrule it.
    if (given instanceof Response) return { type: "answered", response: given };
    const verdict = (await resolved?.upgrade?.(request)) || given;
    if (verdict instanceof Response) return { type: "answered", response: verdict };
    Object.assign(context, verdict?.context);
    if (verdict?.handled) return { type: "handled" };
    const headers = new Headers(verdict?.headers);
    const protocol = verdict?.protocol || (await chooseProtocol(options, request, headers));
    headers.delete(PROTOCOL);
    const admitted = { namespace: verdict?.namespace || namespace, context, headers, protocol, resolved };
    if (admitted.namespace === "") throw new TypeError("getNamespace() must not return an empty string");
    return { type: "admitted", admitted: { ...admitted, deflate: verdict?.perMessageDeflate } };
  } catch (error) {
    const response = responseIn(error);
    if (response === undefined) throw error;
    return { type: "answered", response };
  }
}

const PROTOCOL = "sec-websocket-protocol";

/** Calls a hook for an event, and then the resolved one. Errors are thrown later, so they do not interrupt the connection. */
export function call<Arguments extends unknown[]>(
  first: ((...args: Arguments) => unknown) | undefined,
  second: ((...args: Arguments) => unknown) | undefined,
  ...args: Arguments
): void {
  try {
    const result = first?.(...args);
    if (second === undefined) return;
    if (result instanceof Promise) void result.then(() => second(...args));
    else second(...args);
  } catch (error) {
    throwLater(error);
  }
}

/** Calls a function. If it throws, the promise rejects. */
async function ask<Result>(run: () => Result): Promise<Awaited<Result>> {
  return await run();
}

async function chooseProtocol(
  { handleProtocols }: WsframeAdapterOptions,
  request: HookRequest,
  headers: Headers,
): Promise<string | undefined> {
  const chosen = headers.get(PROTOCOL);
  if (chosen) return chosen;
  const offered = (request.headers.get(PROTOCOL) ?? "").split(",").map((each) => each.trim());
  const names = new Set(offered.filter((each) => each !== ""));
  if (handleProtocols === undefined || names.size === 0) return undefined;
  return (await handleProtocols(names, request)) || undefined;
}

/** The Response that a hook has thrown, or that its error contains. */
function responseIn(error: unknown): Response | undefined {
  if (error instanceof Response) return error;
  const carries = typeof error === "object" && error !== null && "response" in error;
  // Read it once, because it may be a getter that makes a new one.
  const response = carries ? error.response : undefined;
  return response instanceof Response ? response : undefined;
}
