// Makes the mutants of an AssemblyScript source. Each changes one place in its text. TypeScript's parser reads it well
// enough.

import ts from "typescript";

const { SyntaxKind } = ts;

/** The replacements of each operator. */
const OPERATORS = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "+": ["-"],
  "-": ["+"],
  "*": ["+"],
  "/": ["*"],
  "%": ["*"],
  "&": ["|"],
  "|": ["&"],
  "^": ["|"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
  "&&": ["||"],
  "||": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "|=": ["&="],
  "&=": ["|="],
  "^=": ["|="],
  "<<=": [">>="],
  ">>=": ["<<="],
  ">>>=": ["<<="],
};

/**
 * @typedef {{ start: number, end: number, replacement: string }} Mutant positions in the source
 * @param {string} source
 * @returns {Mutant[]} in the order of their positions
 */
export function mutantsOf(source) {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  const mutants = [];
  const add = (node, replacement) => mutants.push({ start: node.getStart(file), end: node.getEnd(), replacement });

  /** Replaces a condition with one that is always or never true. */
  const decide = (condition, ...values) => {
    // An endless loop may be written like this.
    if (condition === undefined || condition.kind === SyntaxKind.TrueKeyword) return;
    for (const value of values) add(condition, value);
  };

  const visit = (node) => {
    // Types, imports, exports and decorators are not code.
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isDecorator(node)) return;
    if (ts.isNumericLiteral(node)) {
      const text = node.getText(file);
      const value = Number(text);
      const write = (number) => (text.startsWith("0x") ? `0x${number.toString(16)}` : String(number));
      add(node, write(value + 1));
      if (value > 0 && !text.includes(".")) add(node, write(value - 1));
    } else if (ts.isBinaryExpression(node)) {
      for (const operator of OPERATORS[node.operatorToken.getText(file)] ?? []) add(node.operatorToken, operator);
    } else if (ts.isPrefixUnaryExpression(node) && [SyntaxKind.ExclamationToken, SyntaxKind.TildeToken].includes(node.operator)) {
      add(node, node.operand.getText(file));
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.MinusToken) {
      add(node, node.operand.getText(file));
    }
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const text = node.getText(file);
      if (text.includes("++")) add(node, text.replace("++", "--"));
      else if (text.includes("--")) add(node, text.replace("--", "++"));
    }
    // An endless loop would only time out.
    if (ts.isIfStatement(node)) decide(node.expression, "true", "false");
    else if (ts.isConditionalExpression(node)) decide(node.condition, "true", "false");
    else if (ts.isWhileStatement(node)) decide(node.expression, "false");
    else if (ts.isForStatement(node)) decide(node.condition, "false");
    const isRemovable =
      ts.isExpressionStatement(node) ||
      ts.isBreakStatement(node) ||
      ts.isContinueStatement(node) ||
      (ts.isReturnStatement(node) && node.expression === undefined);
    if (isRemovable) add(node, ";");
    ts.forEachChild(node, visit);
  };
  visit(file);
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The source with a change applied. */
export function change(source, { start, end, replacement }) {
  return source.slice(0, start) + replacement + source.slice(end);
}
