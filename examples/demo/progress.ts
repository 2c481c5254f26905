/** The live display: a block that is redrawn on a terminal, a line now and then elsewhere. */
import type { PodProcess } from './pod-process.js';

export interface Picture {
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
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;
  #lastLine = -Infinity;
  #news: string[] = [];

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** A line before the block is drawn for the first time. */
  say(line: string): void {
    this.#out.write(`${line}\n`);
  }

  /** Something worth a line of its own. */
  tell(news: string): void {
    if (this.#out.isTTY) this.#news.push(news);
    else this.#out.write(`${news}\n`);
  }

  draw(picture: Picture): void {
    if (this.#out.isTTY) this.#redraw(picture);
    else if (picture.seconds - this.#lastLine >= LINE_EVERY_S) {
      this.#lastLine = picture.seconds;
      this.#out.write(`${summaryLine(picture)}\n`);
    }
  }

  #redraw(picture: Picture): void {
    const share = picture.total === 0 ? 0 : picture.completed / picture.total;
    const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░');
    const lines = [
      ...picture.pods.map((pod) => `  ${pod.podId === picture.leader ? '★' : ' '} ${pod.podId}  ${pod.state}`),
      `  ${bar} ${counts(picture)}`,
    ];
    const news = this.#news.map((line) => `${line}\n`).join('');
    this.#news = [];
    this.#out.write(`${this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''}\u001b[J${news}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

function counts({ completed, total, claimed, seconds }: Picture): string {
  return `${completed.toLocaleString('en')} of ${total.toLocaleString('en')} completed, ${claimed} in hand, ${seconds.toFixed(1)} s`;
}

function summaryLine(picture: Picture): string {
  const pods = picture.pods.map((pod) => `${pod.podId}${pod.podId === picture.leader ? ' (leader)' : ''} ${pod.state}`);
  return `${counts(picture)}; ${pods.join(', ')}`;
}
