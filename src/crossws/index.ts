/// <reference types="node" preserve="true" />
// "wsframe/crossws": an adapter for crossws that uses connections of wsframe/node. Only types are imported from crossws.

export { wsframeAdapter, type WsframeAdapter } from "./adapter.ts";
export { connectionOf } from "./peer.ts";
export type { WsframeAdapterOptions } from "./options.ts";
