// For the type check of JavaScript: what has no types here, or is installed only when it is first used.

// oxlint-disable-next-line typescript/no-explicit-any
declare const Bun: any;
// oxlint-disable-next-line typescript/no-explicit-any
declare const Deno: any;

declare module "cloudflare:sockets";
declare module "socket.io";
declare module "websocket-driver/*";
declare module "@stryker-mutator/*";
