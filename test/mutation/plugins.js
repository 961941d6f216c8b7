// Plugins of StrykerJS that select mutants and report progress.

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { CheckStatus } from "@stryker-mutator/api/check";
import { declareClassPlugin, declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

const WORD = /^["'`(]*[A-Za-z][A-Za-z-]*["'`),.:;]*$/;

/** @param {string} text */
const isForPeople = (text) => text.split(" ").filter((part) => WORD.test(part)).length >= 3;

/** Whether this is a value in a table of names (see src/frame/known-options.ts). Only the names are used. */
const isOfName = (path) =>
  path.node.type === "BooleanLiteral" &&
  path.parent.type === "ObjectProperty" &&
  path.findParent(({ node }) => node.type === "VariableDeclarator")?.node.id.typeAnnotation?.typeAnnotation.typeName
    ?.name === "Names";

/** Readable texts are not mutated, because programs and tests check the code of an error, not its message. */
const texts = {
  shouldIgnore(path) {
    const { node } = path;
    if (isOfName(path)) return "A value in a table of names";
    const text =
      node.type === "StringLiteral"
        ? node.value
        : node.type === "TemplateLiteral"
          ? node.quasis.map((part) => part.value.raw).join(" ")
          : "";
    return isForPeople(text) ? "A text for people, of three words or more" : undefined;
  },
};

/** The results so far, because a run takes long and may be stopped. */
export const tested = [];

/** Records each mutant and prints survivors immediately, so that you can write tests meanwhile. */
class Notes {
  onMutantTested(mutant) {
    tested.push(mutant);
    const { status, fileName, location, replacement } = mutant;
    if (status !== "Survived" && status !== "NoCoverage") return;
    console.log(`${status} ${fileName}:${location.start.line}:${location.start.column} -> ${replacement}`);
  }
}

/**
 * Skips mutants that are not in the sample. StrykerJS has no other way to select single mutants. The sample depends on
 * their position and a seed, so a larger sample with the same seed contains every smaller one.
 */
class Sample {
  /** @type {(mutant: object) => boolean} */
  isSampled = () => true;

  async init() {
    const { share, seed } = JSON.parse(process.env.MUTATION_SAMPLE ?? "");
    this.isSampled = ({ fileName, replacement, location: { start, end } }) => {
      const place = [seed, basename(fileName), start.line, start.column, end.line, end.column, replacement].join(" ");
      return createHash("sha256").update(place).digest().readUInt32BE() < share * 2 ** 32;
    };
  }
  async check(mutants) {
    const left = { status: CheckStatus.CompileError, reason: "Not in the sample" };
    return Object.fromEntries(
      mutants.map((mutant) => [mutant.id, this.isSampled(mutant) ? { status: CheckStatus.Passed } : left]),
    );
  }
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "texts", texts),
  declareClassPlugin(PluginKind.Reporter, "notes", Notes),
  declareClassPlugin(PluginKind.Checker, "sample", Sample),
];
