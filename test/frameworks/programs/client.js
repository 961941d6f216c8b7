// The WebSocket of the clients: that of the ws which the frameworks have, or another by its name in CLIENT.

const name = process.env.CLIENT ?? "ws";
const isStandard = name === "wsframe/websocket";

/** A client with the API of ws. */
export const { WebSocket, createWebSocketStream } = await import(isStandard ? "ws" : name);

/** What is given to libraries that want a constructor as browsers have it. */
export const Constructor = isStandard ? (await import(name)).WebSocket : WebSocket;
