/** Checks that broken sources compile: the compiler would find any other break, so it says nothing about the tests. */
import path from 'node:path';
import ts from 'typescript';
import type { Break } from './break.js';

/** @returns one sentence for each break whose file no longer compiles; every `find` must occur */
export function misfits(project: string, breaks: readonly Break[]): string[] {
  const sources = new Sources(project);
  // A compiler is slow to start, so breaks of different files share one. A break that it complains about is tried alone.
  const suspects = batches(breaks).flatMap((batch) => {
    const problems = sources.problems(batch);
    return batch.filter((_, i) => problems[i] !== undefined);
  });
  return suspects.flatMap((one) => {
    const [problem] = sources.problems([one]);
    return problem === undefined ? [] : [`${one.name}: ${one.file} does not compile: ${problem}`];
  });
}

/** Batches with at most one break for each file. */
function batches(breaks: readonly Break[]): Break[][] {
  const made: Break[][] = [];
  const counts = new Map<string, number>();
  for (const one of breaks) {
    const count = counts.get(one.file) ?? 0;
    counts.set(one.file, count + 1);
    (made[count] ??= []).push(one);
  }
  return made;
}

class Sources {
  readonly #project: string;
  readonly #broken = new Map<string, { readonly text: string; readonly version: string }>();
  readonly #service: ts.LanguageService;

  constructor(project: string) {
    this.#project = project;
    this.#service = serviceOf(project, this.#broken);
  }

  /** The first diagnostic for each break, with all of them applied. */
  problems(batch: readonly Break[]): (string | undefined)[] {
    const files = batch.map(({ file }) => path.join(this.#project, file));
    for (const [i, { name, find, replace }] of batch.entries()) {
      const file = files[i] ?? '';
      const text = (ts.sys.readFile(file) ?? '').replace(find, () => replace);
      this.#broken.set(file, { text, version: name });
    }
    const found = files.map((file) => {
      const [first] = [...this.#service.getSyntacticDiagnostics(file), ...this.#service.getSemanticDiagnostics(file)];
      return first && ts.flattenDiagnosticMessageText(first.messageText, ' ');
    });
    this.#broken.clear();
    return found;
  }
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
