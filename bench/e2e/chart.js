// Draws the chart and prints the tables for the output of bench/e2e/run.js --json.

import { axis, escape, page } from "../svg.js";
import { count, milliseconds, ratioOf } from "./print.js";

/** Servers by their names in the docs. */
const TITLES = {
  wsframe: "wsframe",
  "wsframe-ws": "wsframe/ws",
  ws: "ws",
  "ws-buffers": "ws",
  "ws-framed": "ws, framed once",
  bun: "Bun.serve",
  deno: "Deno.serve",
  uws: "uWebSockets",
  "bun:dedicated": "Bun.serve, dedicated",
  "uws:shared": "uWebSockets, shared",
  "uws:dedicated": "uWebSockets, dedicated",
  "bun-protocol": "Protocol",
  "bun-streams": "wsframe/streams",
  "deno-protocol": "Protocol",
  "deno-streams": "wsframe/streams",
};

/** The colors of the legend, by title. */
const COLOURS = {
  wsframe: "#2f81f7",
  Protocol: "#2f81f7",
  "wsframe/ws": "#3fb3c6",
  "wsframe/streams": "#8b6fd8",
  "ws, framed once": "#8a939c",
  "Bun.serve": "#d1704a",
  "Deno.serve": "#3f9d6a",
  uWebSockets: "#c2a02c",
  "Bun.serve, dedicated": "#a8492a",
  "uWebSockets, shared": "#c2a02c",
  "uWebSockets, dedicated": "#94791c",
};

/** The cases of the chart in the README. */
const SUMMARY = [
  "32 B text, 2,000 in flight on 8",
  "1 KiB text, 100 in flight on 8",
  "16 KiB text, 8 in flight on 8",
  "64 KiB text, 4 in flight on 8",
  "32 B text, one in flight on 50",
  "32 B text, one in flight on 500",
  "broadcast: 100 B to 1,000, ten per turn",
  "broadcast: 100 B to 1,000, one per turn",
];

const LABEL = 320;
const BAR = 9;
const GAP = 9;
const HEAD = 32;
const WIDTH = 880;
const RANGE = { low: -4, high: 7, left: LABEL, right: 800 };
const x = axis(RANGE);

/** The cases of each group, in order. */
function groupsOf(results) {
  const groups = new Map();
  for (const one of results) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return groups;
}

const colourOf = (server) => COLOURS[TITLES[server]];

/** The bars of a case, one for each server, as multiples of the first of the peers. */
function bars({ name, measured, peers, ours, goals }, y) {
  const [base] = peers;
  const parts = [];
  const servers = [...ours, ...peers.slice(1)].filter((server) => measured[server]);
  const middle = y + (servers.length * BAR) / 2;
  parts.push(`<text class="label" x="${LABEL - 10}" y="${middle + 4}">${escape(name)}</text>`);
  for (const [i, server] of servers.entries()) {
    const ratio = measured[server].rate / measured[base].rate;
    const [from, to] = [x(1), x(ratio)].toSorted((a, b) => a - b);
    const said = `${TITLES[server]}: ${count(measured[server].rate)}, ${ratioOf(ratio)} ${TITLES[base]}`;
    parts.push(
      `<rect fill="${colourOf(server)}" x="${from.toFixed(1)}" y="${y + i * BAR}" width="${(to - from).toFixed(1)}"` +
        ` height="${BAR - 1}"><title>${escape(said)}</title></rect>`,
    );
  }
  const ratio = measured[ours[0]].rate / measured[base].rate;
  const goal = goals[base];
  if (goal !== undefined) {
    parts.push(
      `<path class="goal" d="M${x(goal).toFixed(1)} ${y - 2}v${BAR + 3}"><title>goal: ${goal} x</title></path>`,
    );
  }
  parts.push(`<text class="value end" x="${WIDTH - 10}" y="${middle + 4}">${ratioOf(ratio)}</text>`);
  return { parts, end: y + servers.length * BAR + GAP };
}

function legend(results) {
  const titles = new Set(results.flatMap(({ measured }) => Object.keys(measured).map((server) => TITLES[server])));
  let left = 10;
  const parts = [];
  for (const [title, colour] of Object.entries(COLOURS)) {
    if (!titles.has(title)) continue;
    parts.push(`<rect fill="${colour}" x="${left}" y="33" width="10" height="10"/>`);
    parts.push(`<text class="value" x="${left + 14}" y="42">${escape(title)}</text>`);
    left += 30 + title.length * 6;
  }
  return parts;
}

/** @param {{ results: object[] }} run the output of run.js */
export function serverChart({ results }) {
  return chart(results, "Messages per second over sockets (the mark is wsframe's goal, the number its ratio)");
}

/** The cases of SUMMARY without goals, for the README. */
export function summaryChart({ results }) {
  const cases = SUMMARY.flatMap((wanted) => results.filter(({ name }) => name === wanted));
  const servers = new Set(["wsframe", "bun", "deno", "ws"]);
  const reduced = cases.map((one) => ({
    ...one,
    goals: {},
    measured: Object.fromEntries(Object.entries(one.measured).filter(([server]) => servers.has(server))),
  }));
  return chart(reduced, "Messages per second over sockets, as multiples of ws (the number is the ratio of wsframe)");
}

function chart(results, heading) {
  const draw = (top) => {
    const parts = legend(results);
    let y = top;
    for (const [group, cases] of groupsOf(results)) {
      const title = `${group}, times ${TITLES[cases[0].peers[0]]}`;
      parts.push(`<text class="group" x="10" y="${y + 22}">${escape(title)}</text>`);
      y += HEAD;
      for (const one of cases) {
        if (!one.measured[one.peers[0]]) continue;
        const drawn = bars(one, y);
        parts.push(...drawn.parts);
        y = drawn.end;
      }
    }
    return { parts, end: y };
  };
  return page({
    title: "Servers over sockets: messages per second, as multiples of ws",
    heading,
    width: WIDTH,
    range: RANGE,
    top: 74,
    style: "\n  .value { font-size: 11px; }\n  .end { text-anchor: end; }",
    draw,
  });
}

const row = (cells) => `| ${cells.join(" | ")} |`;

function rateTable(cases) {
  const has = (server) => cases.some(({ measured }) => measured[server]);
  const [{ ours, peers }] = cases;
  const servers = [...ours, ...peers].filter(has);
  const pairs = peers.filter(has).flatMap((theirs) => ours.map((mine) => [mine, theirs]));
  const hasGoals = cases.some(({ ratios }) => ratios.some(({ goal }) => goal !== undefined));
  const nameOf = ([mine, theirs]) => `${ours.length > 1 ? `${TITLES[mine]} ` : ""}x ${TITLES[theirs]}`;
  const cellOf = ({ ratios }, [mine, theirs]) => {
    const found = ratios.find((ratio) => ratio.ours === mine && ratio.theirs === theirs);
    if (!found) return "";
    return found.goal === undefined ? ratioOf(found.ratio) : `${ratioOf(found.ratio)} (${found.goal})`;
  };
  return [
    row([
      `messages per second${hasGoals ? "; goals in brackets" : ""}`,
      ...servers.map((server) => TITLES[server]),
      ...pairs.map(nameOf),
    ]),
    row(["---", ...servers.map(() => "---:"), ...pairs.map(() => "---:")]),
    ...cases.map((one) => {
      const rates = servers.map((server) => (one.measured[server] ? count(one.measured[server].rate) : ""));
      return row([one.name, ...rates, ...pairs.map((pair) => cellOf(one, pair))]);
    }),
  ];
}

/** The size of compressed answers, and the negotiated parameters. */
function answersTable(cases) {
  const servers = Object.keys(TITLES).filter((server) => cases.some(({ measured }) => measured[server]));
  const takeover = (server) => {
    const { agreed } = cases.find(({ measured }) => measured[server]).measured[server];
    return agreed.includes("server_no_context_takeover") ? "no" : "yes";
  };
  const answerOf = ({ measured }, server) => {
    if (!measured[server]) return "";
    const { answer, cpuTime } = measured[server];
    return `${answer.toFixed(0)} B, ${(cpuTime * 1e6).toFixed(1)} µs`;
  };
  return [
    row(["bytes of an answer, and processor time", ...servers.map((server) => TITLES[server])]),
    row(["---", ...servers.map(() => "---:")]),
    ...cases.map((one) => row([one.name, ...servers.map((server) => answerOf(one, server))])),
    row(["context takeover", ...servers.map(takeover)]),
  ];
}

function latencyTable(cases) {
  const keys = ["p50", "p90", "p99", "p999", "max"];
  return [
    row(["milliseconds, at half of its rate", "server", "rate", "p50", "p90", "p99", "p99.9", "max"]),
    row(["---", "---", ...["rate", ...keys].map(() => "---:")]),
    ...cases.flatMap(({ name, latency }) =>
      Object.entries(latency).map(([server, times]) =>
        row([name, TITLES[server], count(times.rate), ...keys.map((key) => milliseconds(times[key]))]),
      ),
    ),
  ];
}

function loopTable(loop) {
  const keys = ["p50", "p90", "p99", "max"];
  return [
    row(["milliseconds", "", "p50", "p90", "p99", "max", "1 MiB per second"]),
    row(["---", "---", ...keys.map(() => "---:"), "---:"]),
    ...Object.entries(loop).flatMap(([server, { delay, latency, rate }]) => [
      row([TITLES[server], "delay of the event loop", ...keys.map((key) => milliseconds(delay[key])), rate.toFixed(0)]),
      row([TITLES[server], "echo of 32 B", ...keys.map((key) => milliseconds(latency[key])), ""]),
    ]),
  ];
}

/** @param {{ results: object[], loop: object, memory: object, idle: number, node: string, cpu: string, cores: number, rounds: number, seconds: number }} run */
export function serverTables({ results, loop = {}, memory, idle, node, cpu, cores, rounds, seconds }) {
  const lines = [`Node.js ${node}, ${cpu}, ${cores} cores: median of ${rounds} rounds of ${seconds} s.`];
  for (const [group, cases] of groupsOf(results)) lines.push("", `### ${group}`, "", ...rateTable(cases));
  const compressed = results.filter(({ recordings }) => recordings);
  if (compressed.length > 0) lines.push("", "### Answers", "", ...answersTable(compressed));
  const timed = results.filter(({ latency }) => latency);
  if (timed.length > 0) lines.push("", "### Latency", "", ...latencyTable(timed));
  if (loop.wsframe) lines.push("", "### Event loop", "", ...loopTable(loop));
  if (memory.wsframe) {
    lines.push("", `### Idle connections, ${idle} in one process`, "");
    lines.push(row(["bytes for each", "heap and buffers", "process"]), row(["---", "---:", "---:"]));
    for (const [server, { heap, rss }] of Object.entries(memory)) lines.push(row([TITLES[server], heap, rss]));
  }
  return lines.join("\n");
}
