// What TCP carries in packets that were captured: the bytes of one direction of one connection.

import { concat, toHex } from "./bytes.ts";
import { InputError } from "./input-error.ts";

const TCP = 6;
/** Where an IP header may begin: at once, or after an Ethernet header. */
const LINK_HEADERS = [0, 14] as const;
const ETHERTYPE = 12;
const ETHERTYPES = new Set([0x0800, 0x86dd]);

interface Segment {
  /** Who sends to whom. */
  readonly flow: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * The bytes that packets carry, in order; undefined if they are none. No WebSocket stream looks like an IP packet: as its first
 * byte, that has RSV bits set. @throws InputError for packets that are not all of one direction
 */
export function payloadOf(packets: readonly Uint8Array[]): Uint8Array | undefined {
  const segments = packets.map(readPacket);
  if (!segments.every((segment) => segment !== undefined)) return undefined;
  const full = segments.filter(({ payload }) => payload.length > 0);
  const [first] = full;
  if (first === undefined) throw new InputError("TCP packets without payload");
  if (full.some(({ flow }) => flow !== first.flow)) {
    throw new InputError(
      "packets of several directions or connections: give those of one, as tcpdump -x with a filter like " +
        "'src port 8080' prints them",
    );
  }
  // Sequence numbers wrap at 2 ** 32.
  const distance = ({ sequence }: Segment): number => (sequence - first.sequence) | 0;
  const parts: Uint8Array[] = [];
  let end: number | undefined;
  for (const segment of full.toSorted((a, b) => distance(a) - distance(b))) {
    const at = distance(segment);
    const known = end === undefined ? 0 : end - at;
    if (known < 0) throw new InputError(`packets with a gap: ${-known} bytes of the stream are missing`);
    if (known >= segment.payload.length) continue;
    parts.push(segment.payload.subarray(known));
    end = at + segment.payload.length;
  }
  return concat(parts);
}

/** Undefined if this is no TCP packet. */
function readPacket(packet: Uint8Array): Segment | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  for (const at of LINK_HEADERS) {
    if (packet.length < at + 40 || (at > 0 && !ETHERTYPES.has(view.getUint16(ETHERTYPE)))) continue;
    const version = packet[at]! >> 4;
    const header = version === 4 ? (packet[at]! & 15) * 4 : 40;
    const protocol = packet[at + (version === 4 ? 9 : 6)];
    if ((version !== 4 && version !== 6) || header < 20 || protocol !== TCP) continue;
    const length = version === 4 ? view.getUint16(at + 2) : header + view.getUint16(at + 4);
    const tcp = at + header;
    // 0: the network card was to cut it.
    const end = length === 0 || length === header ? packet.length : at + length;
    if (end > packet.length) throw new InputError("packets that are cut: capture them whole");
    if (tcp + 20 > end) continue;
    const payload = tcp + (packet[tcp + 12]! >> 4) * 4;
    if (payload < tcp + 20 || payload > end) continue;
    const addresses = packet.subarray(at + (version === 4 ? 12 : 8), at + (version === 4 ? 20 : 40));
    return {
      flow: `${addresses.join()}:${packet.subarray(tcp, tcp + 4).join()}`,
      sequence: view.getUint32(tcp + 4),
      payload: packet.subarray(payload, end),
    };
  }
  return undefined;
}

/** What a file of packets is called, if this is one. */
export function captureFormat(file: Uint8Array): "pcap" | "pcapng" | undefined {
  const start = toHex(file.subarray(0, 8));
  if (start.startsWith("0a0d0d0a")) return "pcapng";
  // The magic number, in either order of bytes and of micro- or nanoseconds, and version 2.4.
  return /^(?:a1b2(?:c3d4|3c4d)00020004|(?:d4c3|4d3c)b2a102000400)$/.test(start) ? "pcap" : undefined;
}
