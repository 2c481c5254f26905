/**
 * Runs seeds and says which branches of the sources they have taken.
 *
 * Invariants:
 * - All branches of the folders count, those of sources that no seed loads too.
 * - A branch is taken if any process has taken it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { Bundle, PROJECT } from '../command/bundle.js';
import { runSeeds, type Range } from '../command/fan-out.js';
import { SeedProcess } from '../command/seed-process.js';
import { branchesOf, type Branch } from './branches-of.js';
import { countsAt, type ScriptCoverage } from './counts.js';
import { folderOf, type Folder } from './folders.js';

export interface MeasuredBranch {
  readonly folder: Folder;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly kind: Branch['kind'];
  readonly isTaken: boolean;
}

export interface MeasureParts {
  readonly entry: string;
  readonly ranges: readonly Range[];
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly log: (news: string) => void;
}

export async function measure(parts: MeasureParts): Promise<MeasuredBranch[]> {
  const bundle = await Bundle.make(parts.entry, { isMeasured: true });
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-coverage-'));
  try {
    await runAll(parts, bundle, folder);
    const branches = taken(bundle, coverageIn(folder, bundle.file));
    return [...branches, ...(await neverLoaded(new Set(branches.map(({ file }) => file))))];
  } finally {
    bundle.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runAll({ ranges, jobs, signal, log }: MeasureParts, bundle: Bundle, folder: string): Promise<void> {
  const env = { ...process.env, NODE_V8_COVERAGE: folder };
  const processes = Array.from({ length: jobs }, () => new SeedProcess(bundle.file, { env }));
  const close = (): Promise<unknown> => Promise.all(processes.map((each) => each.close()));
  const onAbort = (): void => void close();
  signal.addEventListener('abort', onAbort);
  try {
    for (const range of ranges) {
      let broken = 0;
      await runSeeds(processes, range, (result) => void (result.broken === undefined || (broken += 1)));
      log(`${range.world}: ${range.count} seeds${broken === 0 ? '' : `, ${broken} of which failed`}`);
    }
    await Promise.all(processes.map((each) => each.leave())); // a process writes what it has counted when it exits
  } finally {
    signal.removeEventListener('abort', onAbort);
    await close();
    signal.throwIfAborted();
  }
}

function coverageIn(folder: string, file: string): ScriptCoverage[] {
  const url = pathToFileURL(file).href;
  return readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as { result: ScriptCoverage[] };
    return result.filter((script) => script.url === url);
  });
}

function taken(bundle: Bundle, coverage: readonly ScriptCoverage[]): MeasuredBranch[] {
  const text = readFileSync(bundle.file, 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(`${bundle.file}.map`, 'utf8')) as SourceMapPayload);
  const lines = new Lines(text);
  const branches = branchesOf(text);
  const asked: number[] = [];
  for (const branch of branches) branch.isTaken((offset) => (asked.push(offset), 0));
  const counts = coverage.map((script) => countsAt(script, asked));
  return branches.flatMap(({ at, kind, isTaken }) => {
    const entry = map.findEntry(...lines.place(at));
    if (!('originalSource' in entry)) return [];
    const file = path.relative(PROJECT, path.resolve(path.dirname(bundle.file), entry.originalSource));
    const folder = folderOf(file);
    if (folder === undefined) return [];
    const isAnyTaken = counts.some((of) => isTaken((offset) => of.get(offset) ?? 0));
    const place = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
    return [{ folder, file, ...place, kind, isTaken: isAnyTaken }];
  });
}

/** The branches of sources that no process has loaded. */
async function neverLoaded(loaded: ReadonlySet<string>): Promise<MeasuredBranch[]> {
  const found: MeasuredBranch[] = [];
  for (const name of readdirSync(path.join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })) {
    const file = `src/${name}`;
    if (!file.endsWith('.ts')) continue;
    const folder = folderOf(file);
    if (folder === undefined || loaded.has(file)) continue;
    const { code } = await transform(readFileSync(path.join(PROJECT, file), 'utf8'), {
      loader: 'ts',
      target: 'node20',
    });
    for (const { kind } of branchesOf(code)) found.push({ folder, file, line: 1, column: 1, kind, isTaken: false });
  }
  return found;
}

/** Offsets as lines and columns, from 0. */
class Lines {
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  place(offset: number): readonly [line: number, column: number] {
    const line = this.#starts.findLastIndex((start) => start <= offset);
    return [line, offset - (this.#starts[line] ?? 0)];
  }
}
