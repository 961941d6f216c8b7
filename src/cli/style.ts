// Colours and number formats. Does not use util.styleText, which on newer Node decides by itself whether to use colours.

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

/** The looks of a piece of text. */
export type Look = keyof typeof CODES;

/** Gives `text` a look, or returns it unchanged if colours are off. */
export type Style = (look: Look, text: string) => string;

/** Returns the style for an output with or without colours. */
export function makeStyle(colors: boolean): Style {
  // 22 ends bold and dim, 39 ends a colour. A full reset would also end the look around it.
  return colors
    ? (look, text) => `\x1b[${CODES[look]}m${text}\x1b[${CODES[look] < 30 ? 22 : 39}m`
    : (_look, text) => text;
}

/** Created once, because creating it takes a hundred times as long as using it. */
const groups = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Formats a whole number with thousands separators: `205,619`. */
export function grouped(value: number): string {
  return groups.format(value);
}

/** Returns a count with its noun: `1 byte`, `2,000 bytes`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;
}
