/** Checks that broken sources compile: the compiler would find any other break, so it says nothing about the tests. */
import path from 'node:path';
import ts from 'typescript';
import type { Patch } from './patch.js';

/** @returns one sentence for each break whose file no longer compiles; every `find` must occur */
export function misfits(project: string, breaks: readonly Patch[]): string[] {
  const sources = new Sources(project);
  // A program is slow to make, so one has all breaks, each in a copy of its file beside it. The other files import the
  // original, so a copy may have an error that the break does not cause. Such a break is tried in the file itself.
  return sources.suspects(breaks).flatMap((one) => {
    const problem = sources.problem(one);
    return problem === undefined ? [] : [`${one.name}: ${one.file} does not compile: ${problem}`];
  });
}

class Sources {
  readonly #project: string;
  readonly #broken = new Map<string, { readonly text: string; readonly version: string }>();
  readonly #service: ts.LanguageService;

  constructor(project: string) {
    this.#project = project;
    this.#service = serviceOf(project, this.#broken);
  }

  /** The breaks whose copies do not compile. No copy sees another. */
  suspects(breaks: readonly Patch[]): readonly Patch[] {
    const copies = breaks.map(({ file }, i) => path.join(this.#project, file.replace(/\.ts$/, `.break-${i}.ts`)));
    for (const [i, one] of breaks.entries()) this.#write(copies[i] ?? '', one);
    const program = this.#service.getProgram();
    const suspects = breaks.filter((_, i) => firstProblem(program, copies[i] ?? '') !== undefined);
    this.#broken.clear();
    return suspects;
  }

  /** The first diagnostic of the file with the break in it. */
  problem(one: Patch): string | undefined {
    const file = path.join(this.#project, one.file);
    this.#write(file, one);
    const found = firstProblem(this.#service.getProgram(), file);
    this.#broken.clear();
    return found;
  }

  #write(to: string, { name, file, find, replace }: Patch): void {
    const text = (ts.sys.readFile(path.join(this.#project, file)) ?? '').replace(find, () => replace);
    this.#broken.set(to, { text, version: name });
  }
}

/** The first diagnostic of a file, as text. */
function firstProblem(program: ts.Program | undefined, file: string): string | undefined {
  const source = program?.getSourceFile(file);
  if (program === undefined || source === undefined) return `${file} is not part of the program`;
  const [first] = [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
    ...program.getDeclarationDiagnostics(source),
  ];
  return first && ts.flattenDiagnosticMessageText(first.messageText, ' ');
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
    getScriptFileNames: () => [...new Set([...fileNames, ...broken.keys()])],
    getScriptVersion: (file) => broken.get(file)?.version ?? '',
    getScriptSnapshot: (file) => {
      const text = broken.get(file)?.text ?? read(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => project,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (file) => broken.has(file) || ts.sys.fileExists(file),
    readFile: read,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
}
