import { type Extension, perMessageDeflate } from "wsframe";

/** permessage-deflate (RFC 7692), for decoding. */
export const DEFLATE: Extension = perMessageDeflate();
