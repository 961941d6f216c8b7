// Runs nginx as a proxy, with its own configuration in its own directory.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Queue } from "../../peers/support/queue.ts";

const STARTING = 20_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function pem(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
}

/** The path names the target: /to/PORT/..., or /impatient/PORT/... with short timeouts. */
function configure(directory: string, port: number, securePort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const pass = `
      proxy_pass http://127.0.0.1:$1/$2;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      # Small buffers make long messages pass in small pieces.
      proxy_buffer_size 1k;
      proxy_buffers 2 1k;
      proxy_busy_buffers_size 1k;`;
  return `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_shutdown_timeout 1s;
pid ${directory}/pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((each) => `${each}_temp_path ${directory}/${each};`).join("\n  ")}
  client_header_buffer_size 1k;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${pem("cert")};
    ssl_certificate_key ${pem("key")};
    location ~ ^/to/([0-9]+)/(.*)$ {${pass}
    }
    location ~ ^/impatient/([0-9]+)/(.*)$ {${pass}
      proxy_read_timeout 2s;
    }
  }
}
`;
}

export class Nginx {
  readonly #directory: string = mkdtempSync(join(tmpdir(), "wsframe-nginx-"));
  /** Process ids of workers, as they start. */
  readonly #workers = new Queue<number>("a worker of nginx");
  /** Workers that accept no more connections. */
  readonly #leaving = new Queue<string>("a worker of nginx that leaves");
  #child: ChildProcess | undefined = undefined;
  #worker = 0;
  port = 0;
  securePort = 0;

  async start(program: string): Promise<void> {
    [this.port, this.securePort] = [await freePort(), await freePort()];
    const file = join(this.#directory, "nginx.conf");
    writeFileSync(file, configure(this.#directory, this.port, this.securePort));
    const child = spawn(program, ["-p", this.#directory, "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    createInterface(child.stderr).on("line", (line) => {
      const started = /start worker process (\d+)/.exec(line);
      if (started) this.#workers.push(Number(started[1]));
      else if (line.includes("gracefully shutting down")) this.#leaving.push(line);
      else if (line.includes("[emerg]")) console.error(line);
    });
    this.#child = child;
    this.#worker = await this.#workers.next(STARTING);
  }

  /** Reloads the configuration. A new worker starts, and the old one exits when its connections have ended. */
  async reload(): Promise<void> {
    this.#child!.kill("SIGHUP");
    this.#worker = await this.#workers.next(STARTING);
    await this.#leaving.next(STARTING);
  }

  /** Kills the worker with all its connections. A new one starts. */
  async crash(): Promise<void> {
    process.kill(this.#worker, "SIGKILL");
    this.#worker = await this.#workers.next(STARTING);
  }

  async stop(): Promise<void> {
    if (this.#child?.exitCode === null) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
