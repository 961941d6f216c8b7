// Prints the progress and the report of a load test.

import type { LoadOptions, LoadProgress, LoadReport } from "wsframe/load";
import { counted, grouped, type Look, type Style } from "./style.ts";

const LABEL_WIDTH = 11;
const DEFAULT_DURATION = 10_000;
const DEFAULT_WARM_UP = 1000;
/** A run that ends during its warm-up has measured for less than this. */
const LEAST_SECONDS = 0.1;

/** Returns one line, without a line break. */
export function progressLine(progress: LoadProgress, { duration, warmUp }: LoadOptions): string {
  const { phase, elapsed, connections, messagesPerSecond, errors, mismatches } = progress;
  const whole = { "warming up": warmUp ?? DEFAULT_WARM_UP, measuring: duration ?? DEFAULT_DURATION }[phase as string];
  const time = `${seconds(elapsed)}${whole === undefined ? "" : ` of ${seconds(whole)}`} s`;
  const parts = [`${phase} ${time}`, counted(connections, "connection"), `${rate(messagesPerSecond)} messages/s`];
  if (errors > 0) parts.push(counted(errors, "error"));
  if (mismatches > 0) parts.push(counted(mismatches, "wrong answer"));
  return parts.join("   ");
}

/** Returns the report as lines. */
export function reportLines(report: LoadReport, style: Style): string {
  const { connections, latency, total, load } = report;
  const lines: string[] = [style("bold", report.url), style("dim", asked(report)), ""];
  const add = (label: string, text: string, look?: Look): void => {
    lines.push(`  ${style("dim", label.padEnd(LABEL_WIDTH - 2))}${look ? style(look, text) : text}`);
  };
  if (connections.opened > 0 && report.seconds < LEAST_SECONDS && report.messages === 0) {
    add("messages", "nothing was measured, because the run ended too early", "yellow");
    add("total", totals(report));
  } else if (connections.opened > 0) {
    add("messages", `${style("bold", `${rate(report.messagesPerSecond)}/s`)}: ${measured(report)}`);
    const way = report.options.answers === "echo" ? "each way" : "sent";
    add("payload", `${bytes(report.bytesPerSecond)}/s ${way}: ${counted(report.bytes, "byte")}`);
    if (latency.count > 0) {
      const { p50, p90, p99, p999, max } = latency;
      add(
        "latency",
        Object.entries({ p50, p90, p99, "p99.9": p999, max })
          .map(([name, value]) => `${name} ${milliseconds(value)}`)
          .join("   "),
      );
    }
    add("total", totals(report));
    add("load", share(load), load.bottleneck ? "yellow" : undefined);
  }
  const { opened, failed, lost } = connections;
  if (failed > 0) add("", `${counted(failed, "connection")} of ${grouped(opened + failed)} could not be opened`, "red");
  if (lost > 0) add("", `${counted(lost, "connection")} lost before the end of the run`, "red");
  if (total.unsent > 0) add("", `${counted(total.unsent, "message")} due but not sent`, "yellow");
  if (report.options.compress && opened > 0 && !connections.compressed) {
    add("", "the server declined compression", "yellow");
  }
  if (report.interrupted) add("", "interrupted", "yellow");
  for (const { code, message, count } of report.errors) add("error", `${grouped(count)} × ${code}: ${message}`, "red");
  return `${lines.join("\n")}\n`;
}

/** Describes the options of the run. */
function asked({ options, connections }: LoadReport): string {
  const { size, messages, inFlight, rate: due, binary } = options;
  const made = `${binary ? "binary" : "text"} messages of ${counted(size ?? 0, "byte")}`;
  const own = `${counted(messages ?? 0, "message")} of your own`;
  const kind = `${messages === null ? made : own}${connections.compressed ? ", compressed" : ""}`;
  const limit = inFlight === null ? "" : `, ${grouped(inFlight)} in flight on each`;
  const speed = due === null ? "" : `, ${due.toLocaleString("en-US")} ${due === 1 ? "message" : "messages"}/s`;
  return `${counted(options.connections, "connection")}, ${kind}${limit}${speed}`;
}

function measured({ messages, seconds: time, options }: LoadReport): string {
  const { rate: due } = options;
  const wanted = due === null ? "" : `, of ${grouped(due * time)} due`;
  const { answers } = options;
  const what =
    answers === 0 || answers === "any"
      ? `${grouped(messages)} sent`
      : answers === "echo" || answers === 1
        ? counted(messages, "answer")
        : `${grouped(messages)} answered`;
  return `${what} in ${time.toFixed(2)} s${wanted}`;
}

function totals({ options: { answers }, total }: LoadReport): string {
  const { sent, received, unanswered, mismatches, unexpected } = total;
  const parts = [`${grouped(sent)} sent`];
  if (answers === "echo") {
    parts.push(`${grouped(received)} answered`);
    parts.push(mismatches === 0 ? "none wrong" : `${grouped(mismatches)} of them wrong`);
  } else if (answers === "any") parts.push(`${grouped(received)} received`);
  else if (answers > 0) parts.push(`${counted(received, "answer")}, not compared`);
  if (unanswered > 0) parts.push(`${grouped(unanswered)} unanswered`);
  if (unexpected > 0) parts.push(`${grouped(unexpected)} unexpected`);
  return parts.join(", ");
}

function share({ cpu, eventLoop, bottleneck }: LoadReport["load"]): string {
  const text = `${percent(cpu)} of a core, event loop busy ${percent(eventLoop)} of the time`;
  return bottleneck ? `${text}: wsframe load itself may be the bottleneck` : text;
}

/** Low rates are shown with one decimal. */
function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : grouped(perSecond);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}

function seconds(time: number): string {
  return (time / 1000).toFixed(1);
}

function milliseconds(time: number): string {
  return `${time >= 100 ? time.toFixed(0) : time.toPrecision(time < 0.1 ? 2 : 3)} ms`;
}

function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toPrecision(3)} GB`;
  if (count >= 1e6) return `${(count / 1e6).toPrecision(3)} MB`;
  return count >= 1e3 ? `${(count / 1e3).toPrecision(3)} kB` : `${count.toFixed(0)} B`;
}
