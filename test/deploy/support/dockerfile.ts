/** Reads a Dockerfile, and plays its build without Docker: the same commands, on copies of the same files. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DockerfileParser, type Copy } from 'dockerfile-ast';

const run = promisify(execFile);

export interface Line {
  readonly keyword: string;
  readonly text: string;
  readonly flags: Readonly<Record<string, string>>;
}
export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly lines: readonly Line[];
}
export interface Dockerfile {
  readonly args: readonly string[];
  readonly stages: readonly Stage[];
}

export function readDockerfile(text: string): Dockerfile {
  const file = DockerfileParser.parse(text);
  const args: string[] = [];
  const stages: { image: string; name: string | undefined; lines: Line[] }[] = [];
  for (const instruction of file.getInstructions()) {
    const keyword = instruction.getKeyword();
    const content = instruction.getArgumentsContent() ?? '';
    const flags = Object.fromEntries(
      ('getFlags' in instruction ? (instruction as Copy).getFlags() : []).map((flag) => [
        flag.getName(),
        flag.getValue() ?? '',
      ]),
    );
    if (keyword === 'FROM') {
      const [image = '', , name] = content.split(/\s+/);
      stages.push({ image, name, lines: [] });
    } else if (stages.length === 0) args.push(content);
    else stages.at(-1)!.lines.push({ keyword, text: content.replaceAll(/\\\n/g, ' '), flags });
  }
  return { args, stages };
}

/** The variables of a stage's ENV instructions. */
export function variablesOf({ lines }: Stage): Readonly<Record<string, string>> {
  const pairs = lines.filter(({ keyword }) => keyword === 'ENV').flatMap(({ text }) => text.split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
}

/** The command of an instruction in exec form. */
export function execForm({ lines }: Stage, keyword: string): readonly string[] {
  const { text = '' } = lines.find((line) => line.keyword === keyword) ?? {};
  return JSON.parse(text.replace(/^CMD /, '')) as string[];
}

/** The file systems of the stages: a folder for each, which stands for its root. */
export class Build {
  readonly #context: string;
  readonly #ignored: readonly string[];
  readonly #folder: string;
  readonly #roots = new Map<string, string>();

  constructor(context: string, ignored: readonly string[], folder: string) {
    this.#context = context;
    this.#ignored = ignored;
    this.#folder = folder;
  }

  /** @returns the root and the working folder of the last stage */
  async play({ stages }: Dockerfile, env: NodeJS.ProcessEnv, after: (line: Line, cwd: string) => void) {
    let [root, cwd] = ['', ''];
    for (const [index, stage] of stages.entries()) {
      root = path.join(this.#folder, stage.name ?? String(index));
      this.#roots.set(stage.name ?? String(index), root);
      cwd = root;
      for (const line of stage.lines) {
        if (line.keyword === 'WORKDIR') mkdirSync((cwd = path.join(root, line.text)), { recursive: true });
        else if (line.keyword === 'COPY') this.#copy(line, cwd);
        // Packages of the operating system belong to the base image, which is not here.
        else if (line.keyword === 'RUN' && !line.text.startsWith('apt-get ')) {
          await run('sh', ['-ec', line.text.replaceAll(/ \/data\b/g, ` ${root}/data`)], { cwd, env });
        }
        after(line, cwd);
      }
    }
    return { root, cwd };
  }

  #copy({ text, flags }: Line, cwd: string): void {
    const names = text.split(/\s+/);
    const target = names.pop()!;
    for (const name of names) {
      const from = flags['from'] === undefined ? this.#context : this.#roots.get(flags['from'])!;
      const source = path.join(from, name);
      if (!existsSync(source)) throw new Error(`COPY ${text}: there is no ${source}`);
      const into = path.join(
        cwd,
        target.endsWith('/') && name !== '.' ? path.join(target, path.basename(name)) : target,
      );
      // Nothing else reads the earlier stage, so its files can be moved: there are thousands.
      if (flags['from'] !== undefined) renameSync(source, into);
      else {
        const filter = (each: string): boolean => !isIgnored(path.relative(this.#context, each), this.#ignored);
        cpSync(source, into, { recursive: true, filter, verbatimSymlinks: true });
      }
    }
  }
}

/** The patterns of a .dockerignore: those with `**` apply at every depth, the others to the root. */
export function ignorePatterns(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function isIgnored(file: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const name = pattern.startsWith('**/') ? path.basename(file) : file;
    return new RegExp(`^${pattern.replace('**/', '').replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name);
  });
}

/** Every file below a folder, as paths from it. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
