// Hints for options of ws that have another name here, or none, and for options that belong in `limits`.

import type { Hints } from "./known-options.ts";

/** The hints that servers and clients share. @internal */
export const NAMES_OF_WS: Hints = {
  allowSynchronousEvents: "it has no equivalent: the messages of one chunk are delivered in one turn",
  backlog: "listen yourself, and pass your `server` to serve()",
  controlPeriod: "use `limits: { controlPeriod }`",
  clientTracking: "serve() always has `connections`",
  handleProtocols: "use `protocols`, a list or a function",
  maxBufferedChunks: "it has no equivalent: chunks are not kept",
  maxControlFrames: "use `limits: { maxControlFrames }`",
  maxFragments: "use `limits: { maxFragments }`",
  maxFrame: "use `limits: { maxFrame }`",
  maxMessage: "use `limits: { maxMessage }`",
  maxPayload: "use `limits: { maxMessage }`",
  maxPendingAutoPongs: "use `limits: { maxPendingPongs }`",
  maxPendingPongs: "use `limits: { maxPendingPongs }`",
  noServer: "use upgrade() for each request, or pass your `server` to serve()",
  perMessageDeflate: "use `extensions: [perMessageDeflate()]`, or omit it to turn compression off",
  protocol: "use `protocols`, a list",
  skipUTF8Validation: "use `allowInvalidUtf8`",
  verifyClient: "use `verify` of serve(), and `checkOrigin`",
  WebSocket: "it has no equivalent",
};
