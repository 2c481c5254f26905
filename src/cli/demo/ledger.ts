/**
 * What a pod records beside the store. It writes one line at a time, so that SIGKILL loses nothing. The demo judges the
 * queue by these records, not by what the queue reports.
 */
import { appendFileSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Entry {
  readonly at: number;
  readonly what: 'ready' | 'claimed' | 'started' | 'settled' | 'refused' | 'recovered';
  readonly stepId?: string;
  readonly stepIds?: readonly string[];
  readonly deadPods?: readonly string[];
}

const fileOf = (folder: string, podId: string): string => path.join(folder, `${podId}.ledger`);

export class Ledger {
  readonly #file: number;

  constructor(folder: string, podId: string) {
    this.#file = openSync(fileOf(folder, podId), 'a');
  }

  write(what: Entry['what'], details: Partial<Entry> = {}): void {
    appendFileSync(this.#file, `${JSON.stringify({ at: Date.now(), what, ...details })}\n`);
  }
}

/** Reads a pod's ledger as it grows. */
export class LedgerReader {
  readonly #file: string;
  readonly entries: Entry[] = [];
  #read = 0;

  constructor(folder: string, podId: string) {
    this.#file = fileOf(folder, podId);
  }

  /** Adds the entries that are new. */
  refresh(): void {
    if (!existsSync(this.#file)) return;
    const text = readFileSync(this.#file, 'utf8').slice(this.#read);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1); // the last line may be half written
    this.#read += whole.length;
    const fresh = whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Entry);
    this.entries.push(...fresh);
  }

  /** Steps that were started, and have no later entry. */
  get underWay(): readonly string[] {
    const open = new Set<string>();
    for (const { what, stepId } of this.entries) {
      if (stepId === undefined) continue;
      if (what === 'started') open.add(stepId);
      else if (what === 'settled' || what === 'refused') open.delete(stepId);
    }
    return [...open];
  }

  has(what: Entry['what'], test: (entry: Entry) => boolean = () => true): boolean {
    return this.entries.some((entry) => entry.what === what && test(entry));
  }
}
