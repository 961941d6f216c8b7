// Puts a mark into each branch of a source, without changing its lines: what is passed tells so.
//
// Marks and not V8's own coverage: a mark costs a load and a branch once it has been passed, so coverage can be looked at after
// each case. V8's has to be fetched through the inspector, which takes as long as many cases.

import ts from "typescript";

/** A text to put in before a position. */
interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Of two at one position, the outer one comes first. */
  readonly order: number;
}

export interface Marked {
  readonly source: string;
  /** The line of each mark, from 1 on. */
  readonly lines: readonly number[];
}

export interface Language {
  /** A mark as an expression, without a semicolon. */
  mark(id: number): string;
  /** Whether it can stand in an expression, as in `(mark, value)`. */
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
  /** Into a block, or around a statement that has none. */
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
        // After super(), and after directives; a constructor without super() has none.
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
  // What closes at a position comes before what opens there; of what closes, the inner one, which was visited last, first.
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
