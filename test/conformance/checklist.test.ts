// Checks that every test named in docs/conformance.md exists.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), "utf8");

interface Row {
  readonly section: string;
  readonly requirement: string;
  readonly evidence: string;
}

function rowsOf(page: string): Row[] {
  const rows: Row[] = [];
  for (const line of page.split("\n")) {
    if (!line.startsWith("|")) continue;
    const [section = "", requirement = "", evidence = "", ...rest] = line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim());
    expect(rest, line).toEqual([]);
    if (section.startsWith("§")) rows.push({ section, requirement, evidence });
  }
  return rows;
}

/** The placeholders that vitest replaces with a value. */
const PLACEHOLDER = /%[sdifjo#]/g;
const WORD = /[a-z]{2}/i;

interface Titles {
  /** Titles without values, literally. */
  readonly exact: Set<string>;
  /** Titles that contain values. */
  readonly patterns: RegExp[];
}

/** Whether a call is test(), or a call of the result of test.each(). */
function isTest(call: ts.CallExpression): boolean {
  let callee: ts.Expression = call.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) callee = callee.expression;
  return ts.isIdentifier(callee) && callee.text === "test";
}

/** Splits a title into its fixed parts. Returns undefined if it is made elsewhere. */
function fixedParts(title: ts.Expression | undefined): string[] | undefined {
  if (title === undefined) return undefined;
  if (ts.isStringLiteral(title) || ts.isNoSubstitutionTemplateLiteral(title)) return title.text.split(PLACEHOLDER);
  if (!ts.isTemplateExpression(title)) return undefined;
  return [title.head.text, ...title.templateSpans.map((span) => span.literal.text)];
}

function titlesOf(source: ts.SourceFile): Titles {
  const titles: Titles = { exact: new Set(), patterns: [] };
  const literals: string[] = [];
  let isMadeOfData = false;
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) literals.push(node.text);
    if (ts.isCallExpression(node) && isTest(node)) {
      const [title] = node.arguments;
      const parts = fixedParts(title);
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.exact.add(title.text);
      if (parts === undefined || !WORD.test(parts.join(""))) isMadeOfData = true;
      else if (parts.length > 1) titles.patterns.push(new RegExp(`^${parts.map(escaped).join(".*")}$`));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  // If a title is only a value, any string of the file may be one.
  if (isMadeOfData) for (const literal of literals) titles.exact.add(literal);
  return titles;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

const files = new Map<string, Titles>();

function isThere(reference: string): boolean {
  const [path = "", ...title] = reference.split(" › ");
  let titles = files.get(path);
  if (titles === undefined) {
    titles = titlesOf(ts.createSourceFile(path, read(`test/${path}`), ts.ScriptTarget.ES2022));
    files.set(path, titles);
  }
  const name = title.join(" › ");
  return titles.exact.has(name) || titles.patterns.some((pattern) => pattern.test(name));
}

describe("docs/conformance.md", () => {
  const rows = rowsOf(read("docs/conformance.md"));

  test("has a row for each section", () => {
    expect(rows.length).toBeGreaterThan(120);
  });

  for (const { section, requirement, evidence } of rows) {
    test(`${section} ${requirement}`, () => {
      if (/^(?:Adapter|Application|Not applicable): ./.test(evidence)) return;
      const references = evidence.split("<br>").map((reference) => /^`([^`]+)`$/.exec(reference)?.[1]);
      for (const reference of references) {
        expect(reference !== undefined && isThere(reference), `${reference ?? evidence} does not exist`).toBe(true);
      }
    });
  }
});

describe("the check itself", () => {
  test("finds titles with and without values", () => {
    expect(isThere("conformance/checklist.test.ts › finds titles with and without values")).toBe(true);
    expect(isThere("conformance/close.test.ts › 7.7.1: 1000 is answered with 1000")).toBe(true);
    expect(isThere("handshake/accept.test.ts › refuses the method %s with 405 and Allow")).toBe(true);
  });

  test("does not find titles that do not exist", () => {
    expect(isThere("conformance/close.test.ts › 7.7.1: 1000 is answered")).toBe(false);
    expect(isThere("conformance/utf8.test.ts › anything at all")).toBe(false);
    expect(() => isThere("conformance/none.test.ts › a")).toThrow("ENOENT");
  });
});
