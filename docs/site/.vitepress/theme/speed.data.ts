// Data for the chart of the home page, from the first table of docs/benchmarks.md that compares the servers.

import { readFileSync } from "node:fs";
import { root } from "../pages.ts";

/** The result of one server in one case. */
export interface Bar {
  readonly server: string;
  /** As in the table: "12.41 M/s". */
  readonly rate: string;
  /** The rate as a multiple of the rate of ws. */
  readonly ratio: number;
}

export interface Case {
  readonly name: string;
  readonly bars: readonly Bar[];
}

const PAGE = `${root}docs/benchmarks.md`;
/** The server that the others are compared with. */
const BASE = "ws";
const SERVERS = ["wsframe", "Bun.serve", "Deno.serve"];
const UNITS: Readonly<Record<string, number>> = { "": 1, "/s": 1, "k/s": 1e3, "M/s": 1e6 };

export declare const data: readonly Case[];

export default { watch: [PAGE], load: () => casesOf(readFileSync(PAGE, "utf8")) };

/** @throws Error if the page has no such table */
export function casesOf(page: string): Case[] {
  const lines = page.split("\n");
  const at = lines.findIndex((line) => [BASE, ...SERVERS].every((server) => cellsOf(line).includes(server)));
  if (at === -1) throw new Error("docs/benchmarks.md has no table with wsframe, ws, Bun.serve and Deno.serve");
  const columns = cellsOf(lines[at]!);
  const cases: Case[] = [];
  // A line of dashes follows the names.
  for (let row = at + 2; lines[row]?.startsWith("|"); row++) {
    const cells = cellsOf(lines[row]!);
    const rateOf = (server: string): string => cells[columns.indexOf(server)]!;
    const bars = SERVERS.map((server) => {
      const rate = rateOf(server);
      return {
        server,
        rate: rate.endsWith("/s") ? rate : `${rate}/s`,
        ratio: perSecond(rate) / perSecond(rateOf(BASE)),
      };
    });
    cases.push({ name: cells[0]!.replace(/ in flight on (\d+)$/, " in flight on each of $1 connections"), bars });
  }
  return cases;
}

function cellsOf(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function perSecond(rate: string): number {
  const [, number = "", unit = ""] = /^([\d.,]+) ?(\D*)$/.exec(rate) ?? [];
  const value = Number(number.replaceAll(",", "")) * (UNITS[unit] ?? Number.NaN);
  if (!(value > 0)) throw new Error(`docs/benchmarks.md has "${rate}" where a rate was expected`);
  return value;
}
