/// <reference types="node" preserve="true" />
// "wsframe/crossws": the hooks of crossws on connections of wsframe/node. Of crossws only types are imported.

export { wsframeAdapter, type WsframeAdapter } from "./adapter.ts";
export { connectionOf } from "./peer.ts";
export type { WsframeAdapterOptions } from "./options.ts";
