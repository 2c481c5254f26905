/** Shows the progress: a block that is redrawn on a terminal, or a line every two seconds elsewhere. */
import type { PodProcess } from './pod-process.js';

export interface Snapshot {
  readonly seconds: number;
  readonly total: number;
  readonly completed: number;
  readonly claimed: number;
  readonly leader: string | null;
  readonly pods: readonly PodProcess[];
}

const BAR = 40;
const LINE_EVERY_S = 2;

export class Progress {
  readonly #out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
  /** The last lines on the terminal, which are redrawn. */
  #block: readonly string[] = [];
  #lastLine = -Infinity;

  constructor(out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>) {
    this.#out = out;
  }

  /** Prints a line above the block. */
  print(news: string): void {
    this.#write([news, ...this.#block]);
  }

  draw(snapshot: Snapshot): void {
    if (this.#out.isTTY) {
      const block = blockOf(snapshot);
      this.#write(block);
      this.#block = block;
    } else if (snapshot.seconds - this.#lastLine >= LINE_EVERY_S) {
      this.#lastLine = snapshot.seconds;
      this.#write([summaryLine(snapshot)]);
    }
  }

  /** Prints the conclusion below the block, which stays as it is. */
  conclude(words: string): void {
    this.#block = [];
    this.#write([words]);
  }

  #write(lines: readonly string[]): void {
    const back = this.#block.length > 0 ? `\u001b[${this.#block.length}A\u001b[J` : '';
    this.#out.write(`${back}${lines.join('\n')}\n`);
  }
}

function blockOf(snapshot: Snapshot): readonly string[] {
  const share = snapshot.total === 0 ? 0 : snapshot.completed / snapshot.total;
  const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░');
  return [
    ...snapshot.pods.map((pod) => `  ${pod.podId === snapshot.leader ? '★' : ' '} ${pod.podId}  ${pod.state}`),
    `  ${bar} ${counts(snapshot)}`,
  ];
}

function counts({ completed, total, claimed, seconds }: Snapshot): string {
  return `${completed.toLocaleString('en')} of ${total.toLocaleString('en')} completed, ${claimed} claimed, ${seconds.toFixed(1)} s`;
}

/** How many pods are named one by one. */
const FEW = 4;

function summaryLine(snapshot: Snapshot): string {
  const { pods, leader } = snapshot;
  const named = pods.length <= FEW ? pods : pods.filter((pod) => pod.podId === leader || pod.state !== 'alive');
  const others = pods.length - named.length;
  const states = named.map((pod) => `${pod.podId}${pod.podId === leader ? ' (leader)' : ''} ${pod.state}`);
  if (others > 0) states.push(`${others} alive`);
  return `${counts(snapshot)}; ${states.join(', ')}`;
}
