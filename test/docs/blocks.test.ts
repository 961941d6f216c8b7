// Runs every code block of the pages and checks that it does what the page says.
//
//   js, ts   Compiled against the package's types and run as a module, in a folder where only the package is installed from
//            its tarball (and the peers, if the block imports one). The block must end by itself and print nothing to
//            stderr. Its output must be the text after `// →`, or the text block below it with the comment `output`. A
//            block that is not a complete program, such as a server without clients, has the comment `run: NAME`. It
//            replaces the line `// BLOCK` in harness/NAME.mjs, which supplies what the block needs and checks what it did.
//   sh       Run line by line in such a folder. Lines for a clone of the repository are checked instead: their scripts,
//            files and options must exist.
//   json     Parsed.
//   text     Has a comment that says what it is: the `output` of the block above it; something `like` that, with other
//            numbers; the `layout` of folders, which must match; or a `diagram`.
//
// Comments are right before a block: <!-- run: NAME -->. A block with the comment `framework: NAME` needs packages that
// are not in this repository, and test/frameworks runs it. The port 8080 is replaced by a free one.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../src/node/index.ts";
import { type Block, pages, readPage, root } from "./pages.ts";
import { emptyFolder, freePort, install, makeProject, type Project, removeFolders } from "./project.ts";

const TIMEOUT = 30_000;
/** In milliseconds. A block that takes longer waits for something unnecessary, such as the end of a connection. */
const MAX_TIME = 3000;
const harness = (name: string) => `${root}test/docs/harness/${name}.mjs`;

let project: Project;

beforeAll(() => {
  project = makeProject();
  for (const { block } of modules) writeFileSync(fileOf(block), sourceOf(block));
}, 60_000);

afterAll(removeFolders);

const blocks = pages.flatMap((name) => readPage(name).blocks);
const modules = blocks.flatMap((block, i) => {
  const next = blocks[i + 1];
  const output = next?.directive === "output" ? next.code : undefined;
  return ["js", "ts"].includes(block.language) && block.directive !== "framework" ? [{ block, output }] : [];
});

/** The block's file, in the bare folder if it needs only the package. */
function fileOf(block: Block): string {
  const { place, language } = block;
  const folder = /\bfrom "(?!wsframe(?!\/crossws)|node:)/.test(sourceOf(block)) ? project.folder : project.bare;
  return join(folder, `${place.replaceAll(/[/:]/g, "-")}.${language === "ts" ? "mts" : "mjs"}`);
}

/** The source of the module that runs a block. */
function sourceOf({ code, directive, argument, place }: Block): string {
  if (directive === "") return `${code}\n`;
  const parts = readFileSync(harness(argument), "utf8").split(/^\/\/ BLOCK$/m);
  if (parts.length !== 2) throw new Error(`${place}: harness/${argument}.mjs must have one line // BLOCK`);
  return parts.join(code);
}

interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  // Keeps npm from printing notices about its own settings.
  const env = { ...process.env, NODE_OPTIONS: "", npm_config_loglevel: "error" };
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd, env, timeout: TIMEOUT }, (error, stdout, stderr) => {
      resolve({ status: error ? (error.signal ?? error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

test("every block is in a language that the tests can run", () => {
  const known = {
    js: ["", "run", "framework"],
    ts: ["", "run"],
    sh: ["", "framework"],
    json: ["", "framework"],
    text: ["output", "like", "layout", "diagram"],
  };
  const unknown = blocks.filter(
    ({ language, directive }) => !(known as Record<string, string[]>)[language]?.includes(directive),
  );
  expect(unknown.map(({ place, language, directive }) => `${place} ${language} <!-- ${directive} -->`)).toEqual([]);
});

test("every harness belongs to a block", () => {
  const used = new Set(modules.map(({ block }) => `${block.argument}.mjs`));
  expect(readdirSync(`${root}test/docs/harness`).filter((file) => !used.has(file))).toEqual([]);
});

test.each([
  ["js", { allowJs: true, checkJs: true, noImplicitAny: false }],
  ["ts", { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }],
])("blocks in %s agree with the types of the package", (language, options) => {
  const files = modules.map(({ block }) => block).filter((block) => block.language === language);
  const program = ts.createProgram(
    files.map((block) => fileOf(block)),
    {
      ...options,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      lib: ["lib.es2023.d.ts"],
      typeRoots: [`${root}node_modules/@types`],
      types: ["node"],
    },
  );
  const findings = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const { line } = file?.getLineAndCharacterOfPosition(start) ?? { line: 0 };
    const [place] = file?.fileName.split("/").slice(-1) ?? ["options"];
    return `${place}: ${file?.text.split("\n")[line]?.trim()}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  expect(findings).toEqual([]);
});

describe("js, ts", () => {
  test.each(modules.map(({ block, output }) => [block.place, block, output] as const))(
    "%s",
    async (_, block, output) => {
      const port = String(await freePort());
      const source = sourceOf(block).replaceAll("8080", port);
      const file = fileOf(block).replace(/mts$/, "mjs");
      writeFileSync(file, block.language === "ts" ? transformSync(source, { loader: "ts" }).code : source);
      const began = performance.now();
      const outcome = await run(process.execPath, [file], dirname(file));
      const time = performance.now() - began;
      expect(outcome).toEqual({ status: 0, stdout: expect.any(String), stderr: "" });
      const shown = [...block.code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);
      if (output !== undefined) expect(outcome.stdout.trimEnd()).toBe(output);
      else if (shown.length > 0) expect(outcome.stdout.trimEnd().split("\n")).toEqual(shown);
      expect(time).toBeLessThan(MAX_TIME);
    },
  );
});

describe("sh", () => {
  const scripts = blocks.filter(({ language, directive }) => language === "sh" && directive !== "framework");
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { scripts: Record<string, string> };

  /** Runs a line. Returns undefined for an unknown command. */
  async function check(line: string, folder: string): Promise<Outcome | undefined> {
    const command = line.replace(/\s+#.*$/, "").trim();
    if (command === "npm install wsframe") {
      install(folder);
      return undefined;
    }
    if (/(^|\| )npx wsframe inspect /.test(command)) return run("sh", ["-c", command], folder);
    if (command.startsWith("npx wsframe load ")) return underLoad(command, folder);
    for (const step of command.split(" && ")) {
      const [program, ...args] = step.split(/\s+/);
      const name = args.find((arg) => arg !== "run") ?? "";
      if (program === "npm") expect(Object.keys({ ci: "", ...manifest.scripts }), line).toContain(name);
      else if (program === "node") expect(existsSync(`${root}${name}`), line).toBe(true);
      else throw new Error(`The tests cannot run this line: ${line}`);
      checkOptions(name, step);
    }
    return undefined;
  }

  /** Runs the command against an echo server for a shorter time than it says. The last of equal options counts. */
  async function underLoad(command: string, folder: string): Promise<Outcome> {
    const server = await serve({ port: await freePort() }, (connection) => {
      connection.on("message", (data) => connection.send(data));
    });
    const [, load = "", rest = ""] = /^(.*?)(\s[|>].*)?$/.exec(command.replaceAll("8080", String(server.port))) ?? [];
    const outcome = await run("sh", ["-c", `${load} --duration 0.3 --warm-up 0.1${rest}`], folder);
    await server.close();
    // Progress goes to stderr.
    return { ...outcome, stderr: "" };
  }

  /** The options of a script must occur in its source or in a file that the source names. */
  function checkOptions(name: string, step: string): void {
    const file = manifest.scripts[name] === undefined ? name : /node (\S+\.js)/.exec(manifest.scripts[name])?.[1];
    for (const [, option] of step.matchAll(/\s--([a-z]+)\b/g)) {
      const script = file === undefined ? "" : readFileSync(`${root}${file}`, "utf8");
      const named = [...script.matchAll(/"(\w[\w/.]*\.ts)"/g)].map(([, path]) =>
        readFileSync(`${root}${path}`, "utf8"),
      );
      expect([script, ...named].join("\n"), step).toMatch(new RegExp(`\\b${option}\\b`));
    }
  }

  test.each(scripts.map((block) => [block.place, block] as const))("%s", async (place, { code }) => {
    const lines = code.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
    // The first step of a reader, in an empty folder.
    const folder = lines.includes("npm install wsframe") ? emptyFolder() : project.bare;
    let stdout = "";
    for (const line of lines) {
      const outcome = await check(line, folder);
      if (outcome) expect(outcome, line).toEqual({ status: 0, stdout: expect.any(String), stderr: "" });
      stdout += outcome?.stdout ?? "";
    }
    const next = blocks[blocks.findIndex((block) => block.place === place) + 1];
    if (next?.directive === "output") expect(stdout.trimEnd()).toBe(next.code);
    if (next?.directive === "like") expect(withoutNumbers(stdout.trimEnd())).toBe(withoutNumbers(next.code));
  });

  /** Replaces measured values and their units with N. */
  function withoutNumbers(text: string): string {
    return text.replaceAll(/(?<!\w)\d[\d.,]*( [kMG]?B\b)?/g, "N");
  }
});

test("json", () => {
  for (const { language, code } of blocks) if (language === "json") JSON.parse(code);
});

describe("layout", () => {
  const layouts = blocks.filter(({ directive }) => directive === "layout");

  /** The paths in an indented tree. Each line has one path, or several separated by commas, and then a description. */
  function pathsOf(tree: string): string[] {
    const open: { indent: number; path: string }[] = [];
    return tree.split("\n").flatMap((line) => {
      const [, space, names] = /^( *)(\S+(?:, \S+)*)(?: {2}|$)/.exec(line) ?? [];
      if (names === undefined || space === undefined) return [];
      while (open.length > 0 && open.at(-1)!.indent >= space.length) open.pop();
      const parent = open.at(-1)?.path ?? "";
      const paths = names.split(", ").map((name) => `${parent}${name}`);
      if (names.endsWith("/")) open.push({ indent: space.length, path: paths[0]! });
      return paths;
    });
  }

  test.each(layouts.map((block) => [block.place, block] as const))("%s is that of the repository", (_, { code }) => {
    const paths = pathsOf(code);
    expect(paths.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
    // If the layout shows any entry of a folder, it must show all of them.
    for (const folder of paths.filter(
      (path) => path.endsWith("/") && paths.some((other) => other !== path && other.startsWith(path)),
    )) {
      const names = readdirSync(`${root}${folder}`, { withFileTypes: true }).map(
        (entry) => `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`,
      );
      expect(
        names.filter((name) => !paths.includes(name)),
        folder,
      ).toEqual([]);
    }
  });
});
