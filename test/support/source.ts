/** What the architecture test checks of a source file, read from its syntax tree. */
import ts from 'typescript';

/** How a module is imported. `type`: not in the JavaScript; `dynamic`: loaded when it is first needed. */
export type ImportKind = 'static' | 'dynamic' | 'type';

export interface Import {
  readonly specifier: string;
  readonly kind: ImportKind;
  /** The names imported; `*` for all of a module, `default` for a default import, empty for a side effect. */
  readonly names: readonly string[];
  readonly line: number;
}

export interface Found {
  readonly text: string;
  readonly line: number;
}

export interface SourceFacts {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Every string and template, also in types. */
  readonly strings: readonly Found[];
  /** Every use of a value, with its plain property path: `Date.now`, `setTimeout`, `process.hrtime.bigint`. */
  readonly values: readonly Found[];
  /** Every name that the file declares: variables, parameters, functions, types and imports. */
  readonly names: readonly Found[];
}

export function readSource(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const strings: Found[] = [];
  const values: Found[] = [];
  const names: Found[] = [];
  const lineOf = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart()).line + 1;

  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, line: lineOf(node) });
    if (ts.isStringLiteralLike(node)) strings.push({ text: node.text, line: lineOf(node) });
    if (ts.isTemplateExpression(node)) {
      const holes = node.templateSpans.map((span) => `\${…}${span.literal.text}`);
      strings.push({ text: node.head.text + holes.join(''), line: lineOf(node) });
    }
    if (ts.isIdentifier(node) && isValue(node)) values.push({ text: dotted(node), line: lineOf(node) });
    if (ts.isIdentifier(node) && isDeclared(node)) names.push({ text: node.text, line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(file);

  return { path, lines: text.replace(/\n$/, '').split('\n').length, imports, strings, values, names };
}

function importOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    const names = [...(clause?.name === undefined ? [] : ['default']), ...bindingNames(clause?.namedBindings)];
    const bindings = clause?.namedBindings;
    const allTypes =
      clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
      (clause?.name === undefined &&
        bindings !== undefined &&
        ts.isNamedImports(bindings) &&
        bindings.elements.length > 0 &&
        bindings.elements.every((element) => element.isTypeOnly));
    return { specifier: textOf(node.moduleSpecifier), kind: allTypes ? 'type' : 'static', names };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const clause = node.exportClause;
    const allTypes =
      node.isTypeOnly ||
      (clause !== undefined &&
        ts.isNamedExports(clause) &&
        clause.elements.length > 0 &&
        clause.elements.every((element) => element.isTypeOnly));
    return { specifier: textOf(node.moduleSpecifier), kind: allTypes ? 'type' : 'static', names: bindingNames(clause) };
  }
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    const kind = node.isTypeOnly ? 'type' : 'static';
    return { specifier: textOf(node.moduleReference.expression), kind, names: ['*'] };
  }
  if (ts.isImportTypeNode(node)) {
    const { argument } = node;
    return {
      specifier: textOf(ts.isLiteralTypeNode(argument) ? argument.literal : argument),
      kind: 'type',
      names: ['*'],
    };
  }
  if (ts.isCallExpression(node)) {
    const { expression, arguments: args } = node;
    const called = ts.isIdentifier(expression) ? expression.text : '';
    if (expression.kind === ts.SyntaxKind.ImportKeyword || called === 'require') {
      return { specifier: textOf(args[0]), kind: called === 'require' ? 'static' : 'dynamic', names: ['*'] };
    }
  }
  return undefined;
}

function bindingNames(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): string[] {
  if (bindings === undefined) return [];
  if (!ts.isNamedImports(bindings) && !ts.isNamedExports(bindings)) return ['*'];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

/** The text of a literal. For a computed value its source in parentheses, which is no module's name. */
function textOf(node: ts.Node | undefined): string {
  if (node === undefined) return '()';
  return ts.isStringLiteralLike(node) ? node.text : `(${node.getText()})`;
}

/** Whether an identifier is the use of a value: no declared name, no property name and no type. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isTypeNode(parent) || ts.isQualifiedName(parent)) return ts.isTypeQueryNode(parent);
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyDeclaration(parent) || ts.isParameter(parent) || ts.isVariableDeclaration(parent)) {
    return parent.initializer === node;
  }
  if (ts.isExpressionWithTypeArguments(parent)) return !ts.isInterfaceDeclaration(parent.parent.parent);
  // `value instanceof Date` reads no clock.
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) {
    return parent.left === node;
  }
  return !isName(parent, node);
}

/** Whether an identifier is a declared name, which hides others of that name. */
function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node;
  const declares =
    ts.isVariableDeclaration(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isClassDeclaration(parent) ||
    ts.isInterfaceDeclaration(parent) ||
    ts.isTypeAliasDeclaration(parent) ||
    ts.isTypeParameterDeclaration(parent) ||
    ts.isImportClause(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isNamespaceImport(parent);
  return declares && parent.name === node;
}

function isName(parent: ts.Node, node: ts.Identifier): boolean {
  return 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}

function dotted(node: ts.Identifier): string {
  let text = node.text;
  let whole: ts.Node = node;
  for (;;) {
    const { parent } = whole;
    if (ts.isPropertyAccessExpression(parent) && parent.expression === whole) text += `.${parent.name.text}`;
    else if (
      ts.isElementAccessExpression(parent) &&
      parent.expression === whole &&
      ts.isStringLiteralLike(parent.argumentExpression)
    ) {
      text += `.${parent.argumentExpression.text}`;
    } else return text;
    whole = parent;
  }
}
