// A replacement for the parts of vitest that the tests use. Tests run in this thread, one after another, until the
// first failure.

import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";
import { OTHERS } from "./parts.js";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect);
setState({ assertionCalls: 0, isExpectingAssertions: false }, expect);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect, configurable: true });
Object.assign(expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
expect.extend = (matchers) => chai.expect.extend(expect, matchers);
expect.extend(customMatchers);
expect.fail = (message) => {
  throw new Error(message);
};

/** @type {{ name: string, run: () => unknown }[]} */
const tests = [];
let befores = [];
const names = [];

function fill(name, row, index) {
  let at = 0;
  const values = Array.isArray(row) ? row : [row];
  return name
    .replaceAll("%#", String(index))
    .replaceAll(/%[sdijo]/g, () => String(values[at++]))
    .replaceAll(/\$(\w+)/g, (whole, key) => (row?.[key] === undefined ? whole : String(row[key])));
}

function functionIn(args) {
  return args.find((arg) => typeof arg === "function");
}

function each(call) {
  return (rows) =>
    (name, ...args) => {
      for (const [index, row] of rows.entries()) {
        const values = Array.isArray(row) ? row : [row];
        call(fill(name, row, index), () => functionIn(args)(...values));
      }
    };
}

export function test(name, ...args) {
  const full = [...names, name].join(" > ");
  if (!OTHERS.test(full)) tests.push({ name: full, run: functionIn(args), befores });
}
test.each = each(test);
test.for = test.each;
test.skip = () => {};
test.skipIf = (condition) => (condition ? test.skip : test);
test.runIf = (condition) => (condition ? test : test.skip);
export const it = test;

export function describe(name, ...args) {
  const outer = befores;
  befores = [...befores];
  names.push(name);
  functionIn(args)();
  names.pop();
  befores = outer;
}
describe.each = each(describe);
describe.skip = () => {};
describe.skipIf = (condition) => (condition ? describe.skip : describe);
describe.runIf = (condition) => (condition ? describe : describe.skip);

export function beforeAll(run) {
  let done;
  befores.push(() => (done ??= Promise.resolve(run())));
}
export function afterAll() {}

let finished = [];
export function onTestFinished(run) {
  finished.push(run);
}

/**
 * @param {readonly string[]} order names of tests that run first
 * @returns {Promise<{ name: string, error: unknown } | undefined>} the first failing test
 */
export async function runTests(order, onEnd) {
  const rank = ({ name }) => (order.includes(name) ? order.indexOf(name) : order.length);
  for (const { name, run, befores } of tests.toSorted((a, b) => rank(a) - rank(b))) {
    try {
      for (const before of befores) await before();
      await run();
    } catch (error) {
      return { name, error };
    } finally {
      for (const end of finished.splice(0)) await end();
    }
    onEnd(name);
  }
  return undefined;
}
