// Peers that are processes. Each reads and writes lines, and ends when its input ends.
//
//   server  prints {"plain": port, "deflate": port}; the second is missing if it cannot compress
//   client  reads {"url": "...", "protocols": [...], "deflate": true} and connects
//
// The last part of a URL's path names the connection. When it has ended, the peer prints a line with a Report, with that
// name as its "id".

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { Queue } from "../../peers/support/queue.ts";
import { without } from "../support.ts";

/** A peer's report on a connection that has ended. */
export interface Report {
  /** The code of the received Close: 1005 if it had none, 1006 if there was no Close. */
  readonly code: number;
  readonly reason: string;
  readonly subprotocol: string;
  /** The payloads of the Pings and Pongs that the peer received, if it reports them. */
  readonly pings?: readonly string[];
  readonly pongs?: readonly string[];
}

/** An order for a client. */
export interface Order {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly deflate: boolean;
}

interface Ports {
  readonly plain: number;
  readonly deflate?: number;
}

/**
 * In milliseconds: how long a peer may take to listen and how long a connection may last, which is less than a test.
 */
const STARTING = 20_000;
const LIFETIME = 25_000;

/** A peer of a test file. It starts with the first test, and again after it was killed. */
export class Peer {
  readonly #command: readonly string[];
  #child: ChildProcess | undefined = undefined;
  #ports: Promise<Ports> | undefined = undefined;
  readonly #reports: Map<string, Queue<Report>> = new Map();

  /** @param command the program and its arguments; scripts are in peers/ */
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
    // A client has no ports.
    this.#ports.catch(() => {});
  }

  /** Kills the process without warning. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** The ports of a server. */
  ports(): Promise<Ports> {
    return this.#ports!;
  }

  /** The report on this connection, after it has ended. */
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

/** The first path that exists. */
export function find(paths: readonly string[], debianPackage: string): string | undefined {
  return paths.find((path) => existsSync(path)) ?? without(paths[0]!, debianPackage);
}

/** The executable of a runtime in test/runtimes, or undefined if this platform has none. */
export function runtime(name: string, executable: string): string | undefined {
  const path = fileURLToPath(new URL(`../../runtimes/node_modules/${executable}`, import.meta.url));
  return existsSync(path) ? path : without(name, "none for this platform");
}
