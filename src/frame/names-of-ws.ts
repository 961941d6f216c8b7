// What takes the place of the options of ws, where we have another name for one or nothing at all.

import type { Hints } from "./known-options.ts";

/** Names that mean the same on both sides. @internal */
export const NAMES_OF_WS: Hints = {
  allowSynchronousEvents: "it has no equivalent: the messages of one chunk are events of one turn",
  backlog: "listen yourself, and give the `server` to serve()",
  clientTracking: "serve() always has its `connections`",
  handleProtocols: "use `protocols`, a list or a function",
  maxBufferedChunks: "it has no equivalent: chunks are not kept",
  maxFragments: "use `limits: { maxFragments }`",
  maxPayload: "use `limits: { maxMessage }`",
  maxPendingAutoPongs: "use `limits: { maxPendingPongs }`",
  noServer: "use upgrade() for each request, or give the `server` to serve()",
  perMessageDeflate: "use `extensions: [perMessageDeflate()]`, or leave it out for none",
  protocol: "use `protocols`, a list",
  skipUTF8Validation: "use `allowInvalidUtf8`",
  verifyClient: "use `verify` of serve(), and `checkOrigin`",
  WebSocket: "it has no equivalent",
};
