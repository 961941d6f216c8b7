// Example streams: those of RFC 6455 §5.7, and some that break rules.

/** A stream to decode. */
export interface Example {
  readonly label: string;
  readonly hex: string;
  readonly broken: boolean;
}

export const EXAMPLES: readonly Example[] = [
  { label: "§5.7: “Hello”, not masked", hex: "81 05 48 65 6c 6c 6f", broken: false },
  { label: "§5.7: “Hello”, masked", hex: "81 85 37 fa 21 3d 7f 9f 4d 51 58", broken: false },
  { label: "§5.7: “Hello” in two frames", hex: "01 03 48 65 6c\n80 02 6c 6f", broken: false },
  {
    label: "§5.7: a Ping and its Pong",
    hex: "89 05 48 65 6c 6c 6f\n8a 05 48 65 6c 6c 6f",
    broken: false,
  },
  {
    label: "A Ping between fragments, then a Close",
    hex: "01 04 66 72 61 67\n89 02 68 69\n80 05 6d 65 6e 74 73\n88 05 03 e8 62 79 65",
    broken: false,
  },
  {
    label: "A character split by a fragment, then invalid",
    hex: "81 02 6f 6b\n01 05 47 72 c3 bc c3\n80 03 28 65 6e",
    broken: true,
  },
  { label: "A fragmented Ping", hex: "81 02 6f 6b\n09 02 68 69", broken: true },
  { label: "A Close with a code that must not be sent", hex: "88 02 03 ed", broken: true },
  { label: "A 64-bit length with its top bit set", hex: "82 7f 80 00 00 00 00 00 00 01", broken: true },
  { label: "A frame cut by the end of the stream", hex: "81 85 37 fa 21 3d 7f 9f", broken: true },
];
