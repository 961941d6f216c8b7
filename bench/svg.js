// Shared code of the charts in docs/: bars on an axis of powers of two, for ratios.

export const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/**
 * @param {{ low: number, high: number, left: number, right: number }} range the exponents at the ends of the axis, and their
 *   positions
 * @returns {(ratio: number) => number} the position of a ratio; ratios beyond the axis are at its end
 */
export function axis({ low, high, left, right }) {
  return (ratio) => left + ((Math.min(high, Math.max(low, Math.log2(ratio))) - low) / (high - low)) * (right - left);
}

/**
 * A chart, given a function that draws the part below its axis.
 * @param {object} chart
 * @param {string} chart.title a description for screen readers
 * @param {string} chart.heading
 * @param {number} chart.width
 * @param {{ low: number, high: number, left: number, right: number }} chart.range
 * @param {number} [chart.top] the position of the axis
 * @param {string} [chart.style] CSS rules for its own classes
 * @param {(top: number) => { parts: string[], end: number }} chart.draw the elements from `top` on, and the position of their end
 */
export function page({ title, heading, width, range, top = 58, style = "", draw }) {
  const x = axis(range);
  const { parts, end } = draw(top);
  const ticks = [];
  for (let power = range.low; power <= range.high; power++) {
    const at = x(2 ** power).toFixed(1);
    const label = power < 0 ? `1/${2 ** -power}` : `${2 ** power}`;
    ticks.push(`<path class="${power === 0 ? "one" : "tick"}" d="M${at} ${top}V${end + 4}"/>`);
    ticks.push(`<text class="axis" x="${at}" y="${top - 6}">${label} x</text>`);
  }
  const height = end + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(title)}</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .group { font-weight: 600; }
  .label { text-anchor: end; }
  .axis { text-anchor: middle; font-size: 11px; fill: #59636e; }
  .background { fill: #ffffff; }
  .tick { stroke: #d1d9e0; }
  .one { stroke: #59636e; stroke-width: 1.5; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  .faster { fill: #2f81f7; }
  .slower { fill: #d1704a; }${style}
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .axis { fill: #9198a1; }
    .background { fill: #0d1117; }
    .tick { stroke: #2b323b; }
    .one { stroke: #9198a1; }
    .goal { stroke: #e6edf3; }
  }
</style>
<rect class="background" width="${width}" height="${height}"/>
<text class="title" x="10" y="22">${escape(heading)}</text>
${ticks.join("\n")}
${parts.join("\n")}
</svg>
`;
}
