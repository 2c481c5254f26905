/**
 * The titles of the tests in a file, read from its syntax tree: `outer > inner > title`, as the reporter prints them.
 *
 * Invariants:
 * - Nothing is run. The title of `test.each` stays as it is written (`works on Node.js %i`).
 * - A part that is not written as text is shown as `…`, such as the name that a suite gets as an argument.
 * - Titles of a suite that another file calls (`test/conformance`) begin in that suite.
 */
import ts from 'typescript';

const SUITES = new Set(['describe', 'suite']);
const TESTS = new Set(['test', 'it']);

export function titlesOf(path: string, text: string): ReadonlySet<string> {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const titles = new Set<string>();

  const visit = (node: ts.Node, outer: readonly string[]): void => {
    const kind = ts.isCallExpression(node) ? rootOf(node.expression) : undefined;
    if (!ts.isCallExpression(node) || kind === undefined || isTable(node)) {
      ts.forEachChild(node, (child) => visit(child, outer));
      return;
    }
    const [title, ...rest] = node.arguments;
    if (title === undefined) return;
    const path = [...outer, written(title)];
    if (TESTS.has(kind)) titles.add(path.join(' > '));
    // The table of `describe.each(…)` holds no tests.
    for (const argument of rest) visit(argument, SUITES.has(kind) ? path : outer);
  };
  visit(file, []);
  return titles;
}

/** `test` of `test`, `test.skipIf(…)`, `test.each(…)(…)` and the like. */
function rootOf(callee: ts.Expression): string | undefined {
  if (ts.isIdentifier(callee)) return SUITES.has(callee.text) || TESTS.has(callee.text) ? callee.text : undefined;
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) return rootOf(callee.expression);
  return undefined;
}

/** Whether a call gives no title yet: the first of `test.each(table)(title, …)`. */
function isTable(node: ts.CallExpression): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node;
}

/** The text of a title, with `…` for what is computed. */
function written(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return '…';
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}
