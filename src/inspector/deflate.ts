import { type Extension, perMessageDeflate } from "wsframe";

/** permessage-deflate (RFC 7692), to listen with. */
export const DEFLATE: Extension = perMessageDeflate();
