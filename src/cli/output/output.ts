/**
 * One of the process's output streams: a terminal, a pipe or a file.
 *
 * Invariants:
 * - A write resolves when the stream takes more, so that a long listing never collects in memory.
 * - If the reader of a pipe has gone, the output is `closed`: further writes do nothing. Other errors of the stream reject
 *   the next write.
 */
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';

/** Errors of a stream whose reader has gone: of a pipe, and of a terminal. */
const READER_GONE = ['EPIPE', 'ERR_STREAM_DESTROYED', 'EIO'];

export class Output {
  readonly isTerminal: boolean;
  readonly #stream: WriteStream;
  readonly #gone = new AbortController();
  #error: Error | undefined;
  /** What is written while a frame is collected. */
  #frame: string | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!READER_GONE.includes(error.code ?? '')) this.#error = error;
      this.#gone.abort();
    });
  }

  /** Whether nobody reads any more. */
  get closed(): boolean {
    return this.#gone.signal.aborted;
  }

  /** Aborts when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The terminal's width in columns; unlimited if it is no terminal. */
  get columns(): number {
    return this.isTerminal && this.#stream.columns > 0 ? this.#stream.columns : Infinity;
  }

  /** The terminal's height; unlimited if it is no terminal. */
  get rows(): number {
    return this.isTerminal && this.#stream.rows > 0 ? this.#stream.rows : Infinity;
  }

  /** @throws the error of the stream, unless its reader has gone */
  async write(text: string): Promise<void> {
    if (this.#frame !== undefined) {
      this.#frame += text;
      return;
    }
    if (!this.closed && !this.#stream.write(text)) {
      await once(this.#stream, 'drain', { signal: this.#gone.signal }).catch(() => undefined);
    }
    if (this.#error !== undefined) throw this.#error;
  }

  /**
   * Writes what `draw` writes, at once: on a terminal in place of the frame before, elsewhere below it.
   *
   * @param separator stands in front of the frame, except on a terminal
   */
  async frame(draw: () => Promise<void>, separator: string): Promise<void> {
    this.#frame = '';
    try {
      await draw();
    } finally {
      const text = this.#frame;
      this.#frame = undefined;
      await this.write(this.isTerminal ? this.#screen(text) : separator + text);
    }
  }

  /**
   * Home, each line cleared to its end, then everything below. What does not fit the terminal is left out: lines do not
   * wrap meanwhile, or the frame would scroll.
   */
  #screen(text: string): string {
    const lines = text.split('\n').slice(0, Math.max(1, this.rows - 1));
    return `\x1b[?7l\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J\x1b[?7h`;
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }
}
