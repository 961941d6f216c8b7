// Peers that are processes: each reads and writes lines, and ends when its input does.
//
//   server  prints {"plain": port, "deflate": port}; the second is missing if it cannot compress
//   client  reads {"url": "...", "protocols": [...], "deflate": true} and connects
//
// The last part of a URL's path is a name for the connection. When that has ended, a line says what it was like: a Report,
// and the name as its "id".

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { Queue } from "../../peers/support/queue.ts";
import { without } from "../support.ts";

/** What a peer says of a connection that has ended. */
export interface Report {
  /** Of the Close that came; 1005 for one without, 1006 for none. */
  readonly code: number;
  readonly reason: string;
  readonly subprotocol: string;
  /** What it got, if it tells. */
  readonly pings?: readonly string[];
  readonly pongs?: readonly string[];
}

/** What a client is told. */
export interface Order {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly deflate: boolean;
}

interface Ports {
  readonly plain: number;
  readonly deflate?: number;
}

/** How long a peer may take to listen, and a connection may last: less than a test. In milliseconds. */
const STARTING = 20_000;
const LIFETIME = 25_000;

/** A peer of a test file: started with its first test, and again when it was killed. */
export class Peer {
  readonly #command: readonly string[];
  #child: ChildProcess | undefined = undefined;
  #ports: Promise<Ports> | undefined = undefined;
  readonly #reports: Map<string, Queue<Report>> = new Map();

  /** @param command the program, and its arguments; scripts are in peers/ */
  constructor(command: readonly string[]) {
    this.#command = command.map((part) =>
      /\.(py|js|ts)$/.test(part) ? fileURLToPath(new URL(`peers/${part}`, import.meta.url)) : part,
    );
    beforeAll(() => this.start());
    afterAll(() => this.kill());
  }

  start(): void {
    const [program, ...args] = this.#command;
    const child = spawn(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
    const ports = new Queue<Ports>(`the ports of ${this.#command.join(" ")}`);
    createInterface(child.stdout).on("line", (line) => {
      const said = JSON.parse(line) as Ports | (Report & { id: string });
      if ("id" in said) this.#reportsOf(said.id).push(said);
      else ports.push(said);
    });
    child.stdin.on("error", () => {});
    this.#child = child;
    this.#ports = ports.next(STARTING);
    // A client has none.
    this.#ports.catch(() => {});
  }

  /** Without a chance to say anything. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** Where a server listens. */
  ports(): Promise<Ports> {
    return this.#ports!;
  }

  /** How this connection was, when it has ended. */
  report(url: string): Promise<Report> {
    return this.#reportsOf(url.slice(url.lastIndexOf("/") + 1)).next(LIFETIME);
  }

  #reportsOf(id: string): Queue<Report> {
    let reports = this.#reports.get(id);
    if (reports === undefined) this.#reports.set(id, (reports = new Queue(`a report of ${this.#command.join(" ")}`)));
    return reports;
  }

  write(order: Order): void {
    this.#child!.stdin!.write(`${JSON.stringify(order)}\n`);
  }
}

/** The first of the paths that is there. */
export function find(paths: readonly string[], debianPackage: string): string | undefined {
  return paths.find((path) => existsSync(path)) ?? without(paths[0]!, debianPackage);
}

/** The executable of a runtime of test/runtimes; undefined if this platform has none. */
export function runtime(name: string, executable: string): string | undefined {
  const path = fileURLToPath(new URL(`../../runtimes/node_modules/${executable}`, import.meta.url));
  return existsSync(path) ? path : without(name, "none, for this platform");
}
