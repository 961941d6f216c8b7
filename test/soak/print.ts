// Prints a line from time to time, and tables at the end.

import { median, TOLERANCES, type Trend, type Witnessed } from "./flat.ts";
import type { Verdict } from "./judge.ts";
import type { ClientName, Order } from "./order.ts";
import type { Report } from "./report.ts";
import type { Sample } from "./vitals.ts";

/** The number of problems that are printed immediately. */
const PRINTED = 50;

interface Row {
  clean: number;
  cut: number;
  unopened: number;
  /** Messages and bytes received. */
  messages: number;
  bytes: number;
}

const newRow = (): Row => ({ clean: 0, cut: 0, unopened: 0, messages: 0, bytes: 0 });

export class Totals {
  readonly rows: Map<ClientName, Row> = new Map();
  readonly all: Row = newRow();
  wrongs = 0;

  get isRight(): boolean {
    return this.wrongs === 0;
  }

  add({ client: name }: Order, outcome: Verdict["outcome"], client?: Report, server?: Report): void {
    let row = this.rows.get(name);
    if (row === undefined) this.rows.set(name, (row = newRow()));
    for (const sum of [row, this.all]) {
      if (outcome === "not opened") sum.unopened++;
      else sum[outcome]++;
      for (const report of [client, server]) {
        sum.messages += report?.received.count ?? 0;
        sum.bytes += report?.received.bytes ?? 0;
      }
    }
  }

  wrong(what: string): void {
    if (++this.wrongs <= PRINTED) console.log(`WRONG: ${what}`);
  }
}

const mib = (bytes: number): string => (bytes / (1 << 20)).toFixed(1);
const group = (number: number): string => Math.round(number).toLocaleString("en-US");

export function line(seconds: number, open: number, { all, wrongs }: Totals, samples: readonly Witnessed[]): string {
  const time = new Date(seconds * 1000).toISOString().slice(11, 19);
  const { heap, rss, external, files, handles, p50, p99, cpu, idle } = samples.at(-1)!;
  return (
    `${time} ${group(all.clean)} clean, ${group(all.cut)} cut, ${group(all.unopened)} not opened, ${open} open; ` +
    `${group(all.messages)} messages, ${mib(all.bytes)} MiB; ${wrongs} wrong | ` +
    `heap ${mib(heap)}, external ${mib(external)}, rss ${mib(rss)} MiB; ${files} files, ${handles} handles; ` +
    `delay ${p50.toFixed(1)}, ${p99.toFixed(1)} ms (idle: ${idle.toFixed(1)}); cpu ${cpu.toFixed(1)} s`
  );
}

interface End {
  readonly totals: Totals;
  readonly server: readonly Trend[];
  readonly client: readonly Trend[];
  readonly rest: Sample;
  readonly last: Sample;
  readonly samples: readonly Sample[];
  readonly seconds: number;
  readonly cpu: number;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padStart(widths[column]!)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width - 1).padEnd(width, ":")).join(" | ")} |`);
  return lines.join("\n");
}

function show(figure: Trend["figure"], value: number): string {
  if (figure === "heap" || figure === "external" || figure === "rss") return `${mib(value)} MiB`;
  return figure === "p50" || figure === "p99" ? `${value.toFixed(1)} ms` : String(value);
}

function trendTable(trends: readonly Trend[]): string {
  const head = ["figure", "first quarter", "last quarter", "may grow by", "flat"];
  const rows = trends.map(({ figure, first, last, isFlat }) => {
    const { factor, more } = TOLERANCES[figure];
    const grow = `${Math.round((factor - 1) * 100)} % + ${show(figure, more)}`;
    return [
      figure,
      show(figure, first),
      show(figure, last),
      grow,
      isFlat === undefined ? "cannot tell" : isFlat ? "yes" : "no",
    ];
  });
  return table([head, ...rows]);
}

export function summary({ totals, server, client, rest, last, samples, seconds, cpu }: End): string {
  const cells = (name: string, row: Row): string[] => [
    name,
    ...[row.clean, row.cut, row.unopened, row.messages].map(group),
    mib(row.bytes),
  ];
  const rows = [...totals.rows].map(([name, row]) => cells(name, row));
  return [
    "",
    table([["client", "clean", "cut", "not opened", "messages", "MiB"], ...rows, cells("all", totals.all)]),
    "",
    `The server (medians of ${samples.length} samples, ${median(samples, "connections")} connections):`,
    trendTable(server),
    "",
    ...(client.length > 0 ? ["The client of wsframe:", trendTable(client), ""] : []),
    `The server at rest, before and after: heap ${mib(rest.heap)} and ${mib(last.heap)} MiB, external ${mib(rest.external)} and ` +
      `${mib(last.external)} MiB, rss ${mib(rest.rss)} and ${mib(last.rss)} MiB, files ${rest.files} and ${last.files}, ` +
      `handles ${rest.handles} and ${last.handles}`,
    `Processor time: ${(last.cpu - rest.cpu).toFixed(1)} s for the server, ${((100 * cpu) / seconds).toFixed(0)} % of a core for all`,
    totals.isRight ? "nothing is wrong" : `${totals.wrongs} problems found`,
  ].join("\n");
}
