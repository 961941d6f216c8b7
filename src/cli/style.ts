// Colours. Codes of its own: util.styleText decides for itself whether to use them on newer versions of Node.

const CODES = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
} as const;

/** What a piece of text can look like. */
export type Look = keyof typeof CODES;

/** Gives `text` a look, or leaves it as it is where colours are off. */
export type Style = (look: Look, text: string) => string;

/** The style for an output that shows colours, or does not. */
export function makeStyle(colors: boolean): Style {
  // 22 ends bold and dim, 39 a colour. A full reset would also end what is around.
  return colors
    ? (look, text) => `\x1b[${CODES[look]}m${text}\x1b[${CODES[look] < 30 ? 22 : 39}m`
    : (_look, text) => text;
}

/** Made once: that takes a hundred times as long as to use it. */
const groups = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with its thousands apart: `205,619`. */
export function grouped(value: number): string {
  return groups.format(value);
}

/** `1 byte`, `2,000 bytes`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;
}
