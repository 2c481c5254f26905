/** Declarations of the sources, read with the compiler. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const project = fileURLToPath(new URL('../../', import.meta.url));
const { config } = ts.readConfigFile(`${project}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, project);

/** A program of the sources and of virtual files that are resolved as if they were in docs/. */
function program(virtual: Readonly<Record<string, string>>): ts.Program {
  const files = new Map(Object.entries(virtual).map(([name, text]) => [`${project}docs/${name}`, text]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => files.has(path) || fileExists.call(host, path);
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile.call(host, path, ...rest)
      : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  };
  return ts.createProgram([...files.keys()], { ...options, noEmit: true }, host);
}

/** The diagnostics of each of these files. */
export function complaints(virtual: Readonly<Record<string, string>>): Record<string, string[]> {
  const compiled = program(virtual);
  return Object.fromEntries(
    Object.keys(virtual).map((name) => {
      const file = compiled.getSourceFile(`${project}docs/${name}`);
      const found = [...compiled.getSyntacticDiagnostics(file), ...compiled.getSemanticDiagnostics(file)];
      return [name, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))];
    }),
  );
}

/** The types of a file's aliases, by name. */
function aliases(text: string): { readonly types: ReadonlyMap<string, ts.Type>; readonly checker: ts.TypeChecker } {
  const compiled = program({ 'aliases.ts': text });
  const checker = compiled.getTypeChecker();
  const types = new Map<string, ts.Type>();
  for (const statement of compiled.getSourceFile(`${project}docs/aliases.ts`)?.statements ?? []) {
    if (ts.isTypeAliasDeclaration(statement)) types.set(statement.name.text, checker.getTypeAtLocation(statement.name));
  }
  return { types, checker };
}

/** The members of an exported union of string literals. */
export function wordsOf(name: string): string[] {
  const imported = /^\w+/.exec(name)?.[0] ?? name;
  const { types } = aliases(`import type { ${imported} } from 'fleet-q';\nexport type It = ${name};`);
  const type = types.get('It');
  if (type?.isUnion() !== true) throw new Error(`${name} is not a union`);
  return type.types.map((each) => (each.isStringLiteral() ? each.value : '?'));
}

/** The fields of the payload of each event. */
export function payloadFields(events: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lines = events.map((event, at) => `export type E${at} = EventPayloads<AnySteps>['${event}'];`);
  const { types, checker } = aliases(`import type { AnySteps, EventPayloads } from 'fleet-q';\n${lines.join('\n')}`);
  const fieldsOf = (type: ts.Type | undefined): string[] =>
    type === undefined ? [] : checker.getPropertiesOfType(type).map(({ name }) => name);
  return new Map(events.map((event, at) => [event, fieldsOf(types.get(`E${at}`))]));
}

/** The fields of an interface that a module of the package exports. */
export function fieldsOf(name: string, module: string): string[] {
  const { types, checker } = aliases(`import type { ${name} } from '${module}';\nexport type It = Required<${name}>;`);
  const type = types.get('It');
  if (type === undefined) throw new Error(`there is no ${name}`);
  return checker.getPropertiesOfType(type).map((property) => property.name);
}
