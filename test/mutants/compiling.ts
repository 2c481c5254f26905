/** Whether broken sources still compile: a break that does not is no slip that could be overlooked, and kills itself. */
import path from 'node:path';
import ts from 'typescript';
import type { Break } from './break.js';

/** @returns one sentence for each break whose file no longer compiles; every `find` must occur */
export function misfits(project: string, breaks: readonly Break[]): string[] {
  const broken = new Map<string, { readonly text: string; readonly version: string }>();
  const service = serviceOf(project, broken);
  return breaks.flatMap(({ name, file, find, replace }) => {
    const source = path.join(project, file);
    const text = (ts.sys.readFile(source) ?? '').replace(find, () => replace);
    broken.set(source, { text, version: name });
    const found = [...service.getSyntacticDiagnostics(source), ...service.getSemanticDiagnostics(source)];
    broken.delete(source);
    const [first] = found;
    if (first === undefined) return [];
    return [`${name}: ${file} does not compile: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`];
  });
}

function serviceOf(
  project: string,
  broken: ReadonlyMap<string, { readonly text: string; readonly version: string }>,
): ts.LanguageService {
  const read = (file: string): string | undefined => ts.sys.readFile(file);
  const { config } = ts.readConfigFile(path.join(project, 'tsconfig.build.json'), read) as { config: object };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, project);
  return ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, noEmit: true }),
    getScriptFileNames: () => fileNames,
    getScriptVersion: (file) => broken.get(file)?.version ?? '',
    getScriptSnapshot: (file) => {
      const text = broken.get(file)?.text ?? read(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => project,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: read,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
}
