// Extracts the bytes of one direction of one TCP connection from captured packets.

import { concat, toHex } from "./bytes.ts";
import { InputError } from "./input-error.ts";

const TCP = 6;
/** Possible offsets of the IP header: 0, or after an Ethernet header. */
const LINK_HEADERS = [0, 14] as const;
const ETHERTYPE = 12;
const ETHERTYPES = new Set([0x0800, 0x86dd]);

interface Segment {
  /** Sender and receiver. */
  readonly flow: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * Returns the TCP payload of packets in order, or undefined if they are not TCP packets. No WebSocket stream looks like an IP
 * packet, whose first byte has RSV bits set.
 * @throws InputError if the packets are not exactly one direction of one connection
 */
export function payloadOf(packets: readonly Uint8Array[]): Uint8Array | undefined {
  const segments = packets.map(readPacket);
  if (!segments.every((segment) => segment !== undefined)) return undefined;
  const full = segments.filter(({ payload }) => payload.length > 0);
  const [first] = full;
  if (first === undefined) throw new InputError("the TCP packets have no payload");
  if (full.some(({ flow }) => flow !== first.flow)) {
    throw new InputError(
      "the packets belong to several directions or connections: use those of one, for example with a tcpdump " +
        "filter like 'src port 8080'",
    );
  }
  // Sequence numbers wrap at 2 ** 32.
  const distance = ({ sequence }: Segment): number => (sequence - first.sequence) | 0;
  const parts: Uint8Array[] = [];
  let end: number | undefined;
  for (const segment of full.toSorted((a, b) => distance(a) - distance(b))) {
    const at = distance(segment);
    const known = end === undefined ? 0 : end - at;
    if (known < 0) throw new InputError(`the packets have a gap: ${-known} bytes of the stream are missing`);
    if (known >= segment.payload.length) continue;
    parts.push(segment.payload.subarray(known));
    end = at + segment.payload.length;
  }
  return concat(parts);
}

/** Returns undefined if this is not a TCP packet. */
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
    // The length is 0 if the network card was going to split the packet.
    const end = length === 0 || length === header ? packet.length : at + length;
    if (end > packet.length) throw new InputError("the packets are truncated: capture them in full");
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

/** Recognizes a capture file by its first bytes. */
export function captureFormat(file: Uint8Array): "pcap" | "pcapng" | undefined {
  const start = toHex(file.subarray(0, 8));
  if (start.startsWith("0a0d0d0a")) return "pcapng";
  // The magic number in either byte order, for microseconds or nanoseconds, and version 2.4.
  return /^(?:a1b2(?:c3d4|3c4d)00020004|(?:d4c3|4d3c)b2a102000400)$/.test(start) ? "pcap" : undefined;
}
