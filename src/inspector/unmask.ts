import { encodeFrame, FrameDecoder, Opcode } from "wsframe";

/**
 * A payload as it was before masking (RFC 6455 §5.3): by the core, which gets it as the payload of a frame of its own, so that
 * it does not matter what was wrong with the frame that it is of. The bytes are a copy.
 *
 * @param masked from a place in the payload on that is a multiple of four
 */
export function unmask(masked: Uint8Array, maskKey: Uint8Array): Uint8Array {
  const whole = new Uint8Array(masked.length);
  const header = encodeFrame({ opcode: Opcode.Binary, payload: whole }, { role: "client", maskKey });
  // Zeros are masked to the key over and over: the header is right, and what is behind it is not needed.
  header.set(masked, header.length - masked.length);
  const [frame] = new FrameDecoder({ role: "server", maxPayload: Infinity }).decode(header);
  return frame!.payload;
}
