// Puts a mark into each branch of a source file without moving its lines. A branch sets its mark when it runs.
// V8's own coverage is not used: reading it goes through the inspector, which takes as long as many cases. A mark costs
// one load and one branch after its first use, so coverage can be read after each case.

import ts from "typescript";

/** Text to insert before a position. */
interface Insertion {
  readonly at: number;
  readonly text: string;
  /** At the same position, the outer insertion comes first. */
  readonly order: number;
}

export interface Marked {
  readonly source: string;
  /** The line of each mark, starting at 1. */
  readonly lines: readonly number[];
}

export interface Language {
  /** The mark as an expression, without a semicolon. */
  mark(id: number): string;
  /** Whether the mark can be part of an expression, as in `(mark, value)`. */
  readonly expressions: boolean;
}

export function marked(file: string, source: string, language: Language): Marked {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const insertions: Insertion[] = [];
  const lines: number[] = [];
  const newMark = (node: ts.Node): string => {
    lines.push(tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
    return language.mark(lines.length - 1);
  };
  const insert = (at: number, text: string): void => {
    insertions.push({ at, text, order: insertions.length });
  };
  /** Inserts the mark into a block, or wraps a single statement in a block. */
  const statement = (node: ts.Statement): void => {
    if (ts.isBlock(node)) {
      insert(node.getStart(tree) + 1, ` ${newMark(node)};`);
    } else if (!(ts.isIfStatement(node) && ts.isIfStatement(node.parent) && node.parent.elseStatement === node)) {
      insert(node.getStart(tree), `{ ${newMark(node)}; `);
      closing.push({ at: node.getEnd(), text: " }" });
    }
  };
  const closing: { at: number; text: string }[] = [];
  const expression = (node: ts.Expression): void => {
    if (!language.expressions) return;
    insert(node.getStart(tree), `(${newMark(node)}, `);
    closing.push({ at: node.getEnd(), text: ")" });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      const { body } = node;
      if (ts.isBlock(body)) {
        // After directives and after super(). A constructor without super() has no such call.
        const isDerived = ts.isConstructorDeclaration(node) && body.getText(tree).includes("super(");
        if (!isDerived) insert(body.getStart(tree) + 1, ` ${newMark(node)};`);
      } else if (ts.isArrowFunction(node)) {
        expression(node.body as ts.Expression);
      }
    } else if (ts.isIfStatement(node)) {
      statement(node.thenStatement);
      if (node.elseStatement !== undefined) statement(node.elseStatement);
    } else if (ts.isIterationStatement(node, false)) {
      statement(node.statement);
    } else if (ts.isCaseOrDefaultClause(node)) {
      const [first] = node.statements;
      if (first !== undefined) insert(first.getStart(tree), `${newMark(first)}; `);
    } else if (ts.isCatchClause(node)) {
      statement(node.block);
    } else if (ts.isConditionalExpression(node)) {
      expression(node.whenTrue);
      expression(node.whenFalse);
    } else if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      const { AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken } = ts.SyntaxKind;
      if (kind === AmpersandAmpersandToken || kind === BarBarToken || kind === QuestionQuestionToken) {
        expression(node.right);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { source: edited(source, insertions, closing), lines };
}

function edited(
  source: string,
  insertions: readonly Insertion[],
  closing: readonly { readonly at: number; readonly text: string }[],
): string {
  // At the same position, closing text comes before opening text. Of two closing texts, the inner one, which was
  // visited last, comes first.
  const all = [
    ...closing.map(({ at, text }, i) => ({ at, text, rank: -1, order: -i })),
    ...insertions.map(({ at, text, order }) => ({ at, text, rank: 1, order })),
  ].sort((a, b) => a.at - b.at || a.rank - b.rank || a.order - b.order);
  let made = "";
  let from = 0;
  for (const { at, text } of all) {
    made += source.slice(from, at) + text;
    from = at;
  }
  return made + source.slice(from);
}
