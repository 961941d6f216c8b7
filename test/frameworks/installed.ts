// The folders where the frameworks are installed with each implementation of ws.

import { fileURLToPath } from "node:url";

export type Implementation = "ws" | "wsframe-ws";

/** The folders from which programs/ loads the frameworks. */
export const installed: Readonly<Record<Implementation, string>> = {
  ws: fileURLToPath(new URL(".", import.meta.url)),
  "wsframe-ws": fileURLToPath(new URL("build/", import.meta.url)),
};

/** The package that frameworks get from `require("ws")`. WSFRAME_FRAMEWORKS_WS=ws runs the same tests with ws, as a control. */
export const implementation: Implementation = process.env["WSFRAME_FRAMEWORKS_WS"] === "ws" ? "ws" : "wsframe-ws";
