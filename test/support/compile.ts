/** Compiles one virtual file of TypeScript against the sources of the library. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILE = `${ROOT}test/types/virtual.ts`;

const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [FILE] }, ts.sys, ROOT);

/** @returns the diagnostics of the virtual file alone. @param cost receives the number of instantiated types */
export function compile(source: string, cost?: { instantiations: number }): readonly ts.Diagnostic[] {
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === FILE || fileExists.call(host, path);
  host.getSourceFile = (path, ...rest) =>
    path === FILE
      ? ts.createSourceFile(FILE, source, ts.ScriptTarget.ES2022, true)
      : getSourceFile.call(host, path, ...rest);
  const program = ts.createProgram([FILE], { ...options, noEmit: true }, host);
  const file = program.getSourceFile(FILE);
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  if (cost !== undefined)
    cost.instantiations = (program as ts.Program & { getInstantiationCount(): number }).getInstantiationCount();
  return found;
}
