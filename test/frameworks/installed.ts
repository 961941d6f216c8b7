// Where the frameworks are, with each implementation of ws.

import { fileURLToPath } from "node:url";

export type Implementation = "ws" | "wsframe-ws";

/** The folders in which programs/ finds the frameworks. */
export const installed: Readonly<Record<Implementation, string>> = {
  ws: fileURLToPath(new URL(".", import.meta.url)),
  "wsframe-ws": fileURLToPath(new URL("build/", import.meta.url)),
};

/** What `require("ws")` gives the frameworks. WSFRAME_FRAMEWORKS_WS=ws runs the same tests on ws itself, as a control. */
export const implementation: Implementation = process.env["WSFRAME_FRAMEWORKS_WS"] === "ws" ? "ws" : "wsframe-ws";
