/**
 * The branches of a JavaScript text: each way that an `if`, a conditional, a `switch` or a logical operator can go.
 *
 * Invariants:
 * - A branch is taken if the counts of V8 say so. An `else` that is not written is taken if its `if` ran more often than its body.
 * - Of `&&`, `||` and `??` the right operand is the branch.
 */
import ts from 'typescript';

export interface Branch {
  /** Where it begins, as an offset in the text. */
  readonly at: number;
  readonly kind: 'if' | 'else' | 'conditional' | 'case' | 'right operand';
  readonly isTaken: (countAt: (offset: number) => number) => boolean;
}

const LOGICAL: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

export function branchesOf(text: string): Branch[] {
  const file = ts.createSourceFile('text.js', text, ts.ScriptTarget.ES2022, false, ts.ScriptKind.JS);
  const branches: Branch[] = [];
  const add = (kind: Branch['kind'], node: ts.Node): void => {
    const at = node.getStart(file);
    branches.push({ at, kind, isTaken: (countAt) => countAt(at) > 0 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isIfStatement(node)) {
      add('if', node.thenStatement);
      if (node.elseStatement === undefined) branches.push(unwritten(node, file));
      else add('else', node.elseStatement);
    } else if (ts.isConditionalExpression(node)) {
      add('conditional', node.whenTrue);
      add('conditional', node.whenFalse);
    } else if (ts.isCaseOrDefaultClause(node)) {
      // Cases that share a body are one branch. V8 counts from the colon on.
      const [first] = node.statements;
      if (first !== undefined) add('case', first);
    } else if (ts.isBinaryExpression(node) && LOGICAL.has(node.operatorToken.kind)) add('right operand', node.right);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return branches;
}

function unwritten(node: ts.IfStatement, file: ts.SourceFile): Branch {
  const [at, body] = [node.getStart(file), node.thenStatement.getStart(file)];
  return { at, kind: 'else', isTaken: (countAt) => countAt(at) > countAt(body) };
}
