// The WebSocket class of the clients: that of the installed ws, or of the module that CLIENT names.

const name = process.env.CLIENT ?? "ws";
const isStandard = name === "wsframe/websocket";

/** A client with the API of ws. */
export const { WebSocket, createWebSocketStream } = await import(isStandard ? "ws" : name);

/** The constructor for libraries that need one like that of browsers. */
export const Constructor = isStandard ? (await import(name)).WebSocket : WebSocket;
